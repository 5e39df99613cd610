//! The steps that are forced or skipped, with the reasons why.

use simpleflow_model::SmolStr;

/// Names of steps that somebody chose.
#[derive(Default)]
pub(super) struct Choices(Vec<Choice>);

struct Choice {
    step: SmolStr,
    reasons: Vec<SmolStr>,
}

impl Choice {
    /// `*` is all; a name is the step and those below it.
    fn matches(&self, name: &str) -> bool {
        let rest = name.strip_prefix(&*self.step);
        self.step == "*" || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

impl Choices {
    pub(super) fn add(&mut self, step: SmolStr, reason: Option<SmolStr>) {
        let place = self.0.iter().position(|choice| choice.step == step);
        let place = place.unwrap_or_else(|| {
            let reasons = Vec::new();
            self.0.push(Choice { step, reasons });
            self.0.len() - 1
        });
        let reasons = &mut self.0[place].reasons;
        if let Some(reason) = reason.filter(|reason| !reasons.contains(reason)) {
            reasons.push(reason);
        }
    }

    pub(super) fn steps(&self) -> Vec<SmolStr> {
        self.0.iter().map(|choice| choice.step.clone()).collect()
    }

    pub(super) fn contain(&self, name: &str) -> bool {
        self.0.iter().any(|choice| choice.matches(name))
    }

    /// Why a step is among them, in the order in which that was said.
    pub(super) fn reasons(&self, name: &str) -> Vec<SmolStr> {
        let choices = self.0.iter().filter(|choice| choice.matches(name));
        choices.flat_map(|choice| choice.reasons.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_step_and_those_below_it() {
        let mut choices = Choices::default();
        choices.add("a.b".into(), Some("first".into()));
        choices.add("a.b".into(), Some("first".into()));
        choices.add("a.b".into(), None);
        for (name, contained) in [
            ("a.b", true),
            ("a.b.c", true),
            ("a", false),
            ("a.bc", false),
            ("b", false),
        ] {
            assert_eq!(choices.contain(name), contained, "{name}");
        }
        choices.add("*".into(), Some("all".into()));
        assert!(choices.contain("b"));
        assert_eq!(choices.reasons("b"), ["all"]);
        assert_eq!(choices.reasons("a.b.c"), ["first", "all"]);
        assert_eq!(choices.steps(), ["a.b", "*"]);
    }
}
