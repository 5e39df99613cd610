//! The user's guide. `mdbook build docs` makes the book; the code of its pages is compiled and run
//! here, as documentation tests.

/// The pages, each as the documentation of something, and their names.
macro_rules! pages {
    ($($page:literal)*) => {
        $(
            #[cfg(doctest)]
            #[doc = include_str!(concat!("src/", $page, ".md"))]
            const _: () = ();
        )*

        #[cfg(test)]
        const PAGES: &[&str] = &[$($page),*];
    };
}

pages! {
    "introduction"
    "getting-started"
    "workflows"
    "activities"
    "objects"
    "middleware"
    "futures"
    "canvas"
    "steps"
    "failures"
    "timers"
    "signals"
    "markers"
    "child-workflows"
    "cancellation"
    "continue-as-new"
    "changing-code"
    "testing"
    "running"
    "server"
    "swf"
    "large-values"
    "when-something-is-stuck"
    "coming-from-python"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::PathBuf;

    use super::PAGES;

    fn source() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")
    }

    fn text(page: &str) -> String {
        fs::read_to_string(source().join(format!("{page}.md"))).unwrap()
    }

    /// The pages that a page links to.
    fn links(page: &str) -> Vec<String> {
        let text = text(page);
        let targets = text.split("](").skip(1).filter_map(|rest| {
            let (target, _) = rest.split_once(')')?;
            let (page, _) = target.split_once(".md")?;
            (!page.contains('/')).then(|| page.to_owned())
        });
        targets.collect()
    }

    #[test]
    fn every_page_is_compiled_and_in_the_table_of_contents() {
        let files: BTreeSet<String> = fs::read_dir(source())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
            .filter(|page| page != "SUMMARY")
            .collect();
        let compiled: BTreeSet<String> = PAGES.iter().map(|&page| page.to_owned()).collect();
        assert_eq!(compiled, files);
        let listed: BTreeSet<String> = links("SUMMARY").into_iter().collect();
        assert_eq!(listed, files);
    }

    #[test]
    fn every_link_to_a_page_leads_to_one() {
        for page in PAGES {
            for target in links(page) {
                assert!(
                    PAGES.contains(&&*target),
                    "{page}.md links to {target}.md, which is not there"
                );
            }
        }
    }
}
