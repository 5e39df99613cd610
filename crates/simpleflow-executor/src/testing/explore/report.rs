//! What was found.

use std::fmt;

use super::schedule::Schedule;
use super::wrong::Wrong;
use crate::testing::TestRun;

/// A result, and how it came about.
#[derive(Clone, Debug)]
pub struct Reached {
    /// The execution, as one of the simplest schedules left it.
    pub run: TestRun,
    /// That schedule.
    pub schedule: Schedule,
    /// How many of the schedules that were followed to their end have this result.
    pub schedules: usize,
}

/// What an exploration found. Its [`Display`](fmt::Display) tells it.
#[derive(Clone, Debug)]
#[must_use = "an exploration says nothing until it is asked"]
pub struct Explored {
    results: Vec<Reached>,
    wrong: Option<(Wrong, Schedule)>,
    schedules: usize,
    is_exhaustive: bool,
    seed: Option<u64>,
}

impl Explored {
    /// The results, those of the simplest schedules first.
    pub fn results(&self) -> &[Reached] {
        &self.results
    }

    /// What is wrong whatever the result, such as non-deterministic code, and a schedule that shows
    /// it.
    pub fn wrong(&self) -> Option<(&Wrong, &Schedule)> {
        self.wrong
            .as_ref()
            .map(|(wrong, schedule)| (wrong, schedule))
    }

    /// How many schedules were followed, to their end or to where another had been.
    pub fn schedules(&self) -> usize {
        self.schedules
    }

    /// Whether there are no others.
    pub fn is_exhaustive(&self) -> bool {
        self.is_exhaustive
    }

    /// What the random schedules were drawn with, when there were too many for all of them.
    pub fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// Asserts that every replay decided what the history says, and that every schedule came to an
    /// end.
    ///
    /// # Panics
    /// When it did not, with a schedule that shows it.
    #[track_caller]
    pub fn assert_deterministic(&self) -> &Self {
        assert!(self.wrong.is_none(), "{self}");
        self
    }

    /// Asserts the same, and that all schedules have one result, which it gives. Executions that
    /// fail have the same result when they fail with the same reason and details.
    ///
    /// # Panics
    /// When there are several results, with a schedule for each.
    #[track_caller]
    pub fn assert_same_result(&self) -> &TestRun {
        self.assert_deterministic();
        match &self.results[..] {
            [one] => &one.run,
            _ => panic!("the result depends on the order of things:\n{self}"),
        }
    }

    /// Asserts the same as [`assert_deterministic`](Self::assert_deterministic), and that each
    /// result is allowed.
    ///
    /// # Panics
    /// When one is not, with a schedule that leads to it.
    #[track_caller]
    pub fn allow_results(&self, is_allowed: impl Fn(&TestRun) -> bool) -> &Self {
        self.assert_deterministic();
        let wrong = self
            .results
            .iter()
            .find(|reached| !is_allowed(&reached.run));
        if let Some(wrong) = wrong {
            panic!("this result is not allowed:\n{wrong}\n{self}");
        }
        self
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (outcome, schedules) = (&self.run.outcome, self.schedules);
        writeln!(
            f,
            "  {outcome:?}, in {schedules} schedules, one of the simplest is"
        )?;
        write!(f, "{}", self.schedule)
    }
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((wrong, schedule)) = &self.wrong {
            return write!(
                f,
                "{wrong}\nit shows in this schedule, which Explore::schedule follows again:\n{schedule}"
            );
        }
        self.results
            .iter()
            .try_for_each(|reached| write!(f, "{reached}"))?;
        let schedules = self.schedules;
        match (self.is_exhaustive, self.seed) {
            (true, _) => write!(
                f,
                "these are all results: {schedules} schedules were followed"
            ),
            (false, None) => write!(f, "{schedules} schedules were followed"),
            (false, Some(seed)) => write!(
                f,
                "there may be others: {schedules} schedules were followed, the second half of them \
                 at random, with seed {seed}; Explore::bound sets how many"
            ),
        }
    }
}

/// What is found while the search goes on.
#[derive(Default)]
pub(super) struct Found {
    results: Vec<Reached>,
    wrong: Option<(Wrong, Schedule)>,
    schedules: usize,
}

impl Found {
    pub fn schedules(&self) -> usize {
        self.schedules
    }

    pub fn is_wrong(&self) -> bool {
        self.wrong.is_some()
    }

    /// Whether no schedule had this result yet.
    pub fn is_new(&self, run: &TestRun) -> bool {
        let mut results = self.results.iter();
        !results.any(|reached| reached.run.outcome == run.outcome)
    }

    pub fn closed(&mut self, run: TestRun, schedule: Schedule) {
        self.schedules += 1;
        let mut results = self.results.iter_mut();
        match results.find(|reached| reached.run.outcome == run.outcome) {
            Some(reached) => reached.schedules += 1,
            None => self.results.push(Reached {
                run,
                schedule,
                schedules: 1,
            }),
        }
    }

    pub fn known(&mut self) {
        self.schedules += 1;
    }

    pub fn wrong(&mut self, wrong: Wrong, schedule: Schedule) {
        self.schedules += 1;
        self.wrong = Some((wrong, schedule));
    }

    pub fn explored(self, is_exhaustive: bool, seed: Option<u64>) -> Explored {
        Explored {
            results: self.results,
            wrong: self.wrong,
            schedules: self.schedules,
            is_exhaustive,
            seed,
        }
    }
}
