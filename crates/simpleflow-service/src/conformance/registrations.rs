//! Domains, types and tags.

use simpleflow_model::operation::{
    DeleteActivityType, DeleteWorkflowType, DeprecateActivityType, DeprecateDomain,
    DeprecateWorkflowType, DescribeActivityType, DescribeDomain, DescribeWorkflowType,
    ListActivityTypes, ListDomains, ListTagsForResource, ListWorkflowTypes, RegisterDomain,
    TagResource, UndeprecateActivityType, UndeprecateDomain, UndeprecateWorkflowType,
    UntagResource,
};
use simpleflow_model::types::ResourceTag;
use simpleflow_model::{
    ActivityType, ChildPolicy, FaultKind, RegistrationStatus, RetentionDays, TaskPriority, Timeout,
    WorkflowType,
};

use super::{PATIENCE, Suite, activity_type, list, refused, workflow_type};
use crate::SwfService;

fn tag(key: &str, value: &str) -> ResourceTag {
    ResourceTag {
        key: key.into(),
        value: Some(value.into()),
        ..Default::default()
    }
}

impl<S: SwfService> Suite<S> {
    /// A domain is described and listed, and there is one of each name.
    ///
    /// # Panics
    /// The check fails.
    pub async fn domains(&self) {
        let describe = |name| DescribeDomain {
            name,
            ..Default::default()
        };
        let domain = describe(self.domain.clone());
        let domain = self.service.describe_domain(domain).await.unwrap();
        let info = domain.domain_info;
        assert_eq!(info.name, self.domain);
        assert_eq!(info.status, RegistrationStatus::Registered);
        assert_eq!(info.description.as_deref(), Some("checks of a service"));
        let days = domain.configuration;
        let days = days.workflow_execution_retention_period_in_days;
        assert_eq!(days, RetentionDays(1));

        let mut domains = ListDomains {
            registration_status: RegistrationStatus::Registered,
            maximum_page_size: Some(100),
            ..Default::default()
        };
        loop {
            let page = self.service.list_domains(domains.clone()).await.unwrap();
            if page.domain_infos.iter().any(|it| it.name == self.domain) {
                break;
            }
            let token = page.next_page_token.expect("the domain is listed");
            domains.next_page_token = Some(token);
        }

        let again = RegisterDomain {
            name: self.domain.clone(),
            workflow_execution_retention_period_in_days: RetentionDays(1),
            ..Default::default()
        };
        let again = self.service.register_domain(again).await;
        refused(again, FaultKind::DomainAlreadyExists, &self.domain);
        let unknown = self.service.describe_domain(describe("no-such".into()));
        refused(unknown.await, FaultKind::UnknownResource, "no-such");
    }

    /// A workflow type is described and listed with its defaults, and goes through its statuses.
    ///
    /// # Panics
    /// The check fails.
    pub async fn workflow_types(&self) {
        let version = |version: &str| WorkflowType {
            name: "versions".into(),
            version: version.into(),
            ..Default::default()
        };
        for it in ["1", "2", "3"] {
            self.register_workflow_type(version(it)).await.unwrap();
        }
        let again = self.register_workflow_type(version("2")).await;
        refused(again, FaultKind::TypeAlreadyExists, "versions");

        let describe = |it| DescribeWorkflowType {
            domain: self.domain.clone(),
            workflow_type: it,
            ..Default::default()
        };
        let described = describe(workflow_type());
        let described = self.service.describe_workflow_type(described);
        let described = described.await.unwrap();
        let (info, defaults) = (described.type_info, described.configuration);
        assert_eq!(info.workflow_type, workflow_type());
        assert_eq!(info.status, RegistrationStatus::Registered);
        assert_eq!(info.description.as_deref(), Some("a workflow"));
        assert_eq!(defaults.default_task_list, Some(list("default")));
        let policy = defaults.default_child_policy;
        assert_eq!(policy, Some(ChildPolicy::Terminate));
        let limit = defaults.default_execution_start_to_close_timeout;
        assert_eq!(limit, Some(600.into()));
        let limit = defaults.default_task_start_to_close_timeout;
        assert_eq!(limit, Some(60.into()));
        assert_eq!(defaults.default_task_priority, Some(TaskPriority(3)));

        let list = ListWorkflowTypes {
            domain: self.domain.clone(),
            name: Some("versions".into()),
            registration_status: RegistrationStatus::Registered,
            maximum_page_size: Some(2),
            ..Default::default()
        };
        for reverse in [false, true] {
            let mut request = list.clone();
            request.reverse_order = Some(reverse);
            let mut versions = Vec::new();
            loop {
                let page = self.service.list_workflow_types(request.clone());
                let page = page.await.unwrap();
                assert!(page.type_infos.len() <= 2);
                let types = page.type_infos.into_iter().map(|info| info.workflow_type);
                versions.extend(types.map(|it| it.version.to_string()));
                match page.next_page_token {
                    Some(token) => request.next_page_token = Some(token),
                    None => break,
                }
            }
            if reverse {
                versions.reverse();
            }
            assert_eq!(versions, ["1", "2", "3"]);
        }

        let it = version("2");
        let deprecate = DeprecateWorkflowType {
            domain: self.domain.clone(),
            workflow_type: it.clone(),
            ..Default::default()
        };
        let undeprecate = UndeprecateWorkflowType {
            domain: self.domain.clone(),
            workflow_type: it.clone(),
            ..Default::default()
        };
        let delete = DeleteWorkflowType {
            domain: self.domain.clone(),
            workflow_type: it.clone(),
            ..Default::default()
        };
        let service = &self.service;
        let early = service.delete_workflow_type(delete.clone()).await;
        refused(early, FaultKind::TypeNotDeprecated, "type");
        let early = service.undeprecate_workflow_type(undeprecate.clone()).await;
        refused(early, FaultKind::TypeAlreadyExists, "versions");
        service
            .deprecate_workflow_type(deprecate.clone())
            .await
            .unwrap();
        let again = service.deprecate_workflow_type(deprecate.clone()).await;
        refused(again, FaultKind::TypeDeprecated, "versions");
        let described = service.describe_workflow_type(describe(it.clone()));
        let info = described.await.unwrap().type_info;
        assert_eq!(info.status, RegistrationStatus::Deprecated);
        assert!(info.deprecation_date.is_some());
        let mut start = self.start_request("deprecated");
        start.workflow_type = it.clone();
        let start = service.start_workflow_execution(start).await;
        refused(start, FaultKind::TypeDeprecated, "versions");
        service
            .undeprecate_workflow_type(undeprecate)
            .await
            .unwrap();
        service.deprecate_workflow_type(deprecate).await.unwrap();
        service.delete_workflow_type(delete).await.unwrap();
        let gone = service.describe_workflow_type(describe(it)).await;
        refused(gone, FaultKind::UnknownResource, "versions");
    }

    /// An activity type is described and listed with its defaults, and goes through its statuses.
    ///
    /// # Panics
    /// The check fails.
    pub async fn activity_types(&self) {
        let it = ActivityType {
            name: "statuses".into(),
            version: "1".into(),
            ..Default::default()
        };
        self.register_activity_type(it.clone()).await.unwrap();
        let again = self.register_activity_type(it.clone()).await;
        refused(again, FaultKind::TypeAlreadyExists, "statuses");

        let describe = |it| DescribeActivityType {
            domain: self.domain.clone(),
            activity_type: it,
            ..Default::default()
        };
        let described = describe(activity_type());
        let described = self.service.describe_activity_type(described);
        let described = described.await.unwrap();
        let (info, defaults) = (described.type_info, described.configuration);
        assert_eq!(info.activity_type, activity_type());
        assert_eq!(info.status, RegistrationStatus::Registered);
        assert_eq!(info.description.as_deref(), Some("an activity"));
        assert_eq!(defaults.default_task_list, Some(list("default")));
        let limit = defaults.default_task_heartbeat_timeout;
        assert_eq!(limit, Some(Timeout::None));
        let limit = defaults.default_task_start_to_close_timeout;
        assert_eq!(limit, Some(600.into()));

        let deprecate = DeprecateActivityType {
            domain: self.domain.clone(),
            activity_type: it.clone(),
            ..Default::default()
        };
        let undeprecate = UndeprecateActivityType {
            domain: self.domain.clone(),
            activity_type: it.clone(),
            ..Default::default()
        };
        let delete = DeleteActivityType {
            domain: self.domain.clone(),
            activity_type: it.clone(),
            ..Default::default()
        };
        let service = &self.service;
        let early = service.delete_activity_type(delete.clone()).await;
        refused(early, FaultKind::TypeNotDeprecated, "type");
        service
            .deprecate_activity_type(deprecate.clone())
            .await
            .unwrap();
        let listed = ListActivityTypes {
            domain: self.domain.clone(),
            registration_status: RegistrationStatus::Deprecated,
            ..Default::default()
        };
        let listed = service.list_activity_types(listed).await.unwrap();
        assert_eq!(listed.type_infos.len(), 1);
        assert_eq!(listed.type_infos[0].activity_type, it);
        service
            .undeprecate_activity_type(undeprecate.clone())
            .await
            .unwrap();
        let again = service.undeprecate_activity_type(undeprecate).await;
        refused(again, FaultKind::TypeAlreadyExists, "statuses");
        service.deprecate_activity_type(deprecate).await.unwrap();
        service.delete_activity_type(delete).await.unwrap();
        let gone = service.describe_activity_type(describe(it)).await;
        refused(gone, FaultKind::UnknownResource, "statuses");
    }

    /// A domain has tags, which are found under its ARN.
    ///
    /// # Panics
    /// The check fails.
    pub async fn tags(&self) {
        let domain = DescribeDomain {
            name: self.domain.clone(),
            ..Default::default()
        };
        let domain = self.service.describe_domain(domain).await.unwrap();
        let arn = domain.domain_info.arn.expect("a domain has an ARN");
        let tagging = TagResource {
            resource_arn: arn.clone(),
            tags: vec![tag("team", "flow"), tag("stage", "test")],
            ..Default::default()
        };
        self.service.tag_resource(tagging).await.unwrap();
        let tagging = TagResource {
            resource_arn: arn.clone(),
            tags: vec![tag("stage", "checks")],
            ..Default::default()
        };
        self.service.tag_resource(tagging).await.unwrap();
        let untagging = UntagResource {
            resource_arn: arn.clone(),
            tag_keys: vec!["team".into()],
            ..Default::default()
        };
        self.service.untag_resource(untagging).await.unwrap();
        for _ in 0..PATIENCE {
            let tags = ListTagsForResource {
                resource_arn: arn.clone(),
                ..Default::default()
            };
            let tags = self.service.list_tags_for_resource(tags).await.unwrap();
            if tags.tags == Some(vec![tag("stage", "checks")]) {
                return;
            }
        }
        panic!("the tags of the domain are not what they were set to");
    }

    /// In a deprecated domain nothing is registered or started. Leaves the domain deprecated.
    ///
    /// # Panics
    /// The check fails.
    pub async fn deprecated_domains(&self) {
        let deprecate = DeprecateDomain {
            name: self.domain.clone(),
            ..Default::default()
        };
        let undeprecate = UndeprecateDomain {
            name: self.domain.clone(),
            ..Default::default()
        };
        let service = &self.service;
        let early = service.undeprecate_domain(undeprecate.clone()).await;
        refused(early, FaultKind::DomainAlreadyExists, &self.domain);
        service.deprecate_domain(deprecate.clone()).await.unwrap();
        let again = service.deprecate_domain(deprecate.clone()).await;
        refused(again, FaultKind::DomainDeprecated, &self.domain);
        let register = self.register_workflow_type(WorkflowType {
            name: "late".into(),
            version: "1".into(),
            ..Default::default()
        });
        refused(register.await, FaultKind::DomainDeprecated, &self.domain);
        service.undeprecate_domain(undeprecate).await.unwrap();
        let domain = DescribeDomain {
            name: self.domain.clone(),
            ..Default::default()
        };
        let domain = service.describe_domain(domain).await.unwrap();
        let status = domain.domain_info.status;
        assert_eq!(status, RegistrationStatus::Registered);
        service.deprecate_domain(deprecate).await.unwrap();
    }
}
