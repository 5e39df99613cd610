//! The search: which schedules are followed, in which order, and when it is over.
//!
//! A schedule is a list of choices among what is possible at each step, where 0 is what happens if
//! nothing gets in the way. Those with the fewest other choices come first, so the first schedule
//! that shows something is among the simplest that do. A schedule ends early in a state that
//! another one had: what can come of it is known.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::rc::Rc;

use super::code::Code;
use super::report::Found;
use super::schedule::Schedule;
use super::world::{Action, World};
use super::wrong::Wrong;
use super::{Explore, Explored};
use crate::local::LocalError;
use crate::testing::TestRun;

/// How a schedule ended.
enum End {
    Closed(TestRun),
    /// In a state that another schedule had.
    Known,
    Wrong(Wrong),
}

impl End {
    /// Whether another schedule shows the same.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Closed(run), Self::Closed(other)) => run.outcome == other.outcome,
            (Self::Wrong(wrong), Self::Wrong(other)) => {
                std::mem::discriminant(wrong) == std::mem::discriminant(other)
            }
            _ => false,
        }
    }
}

/// A schedule that was followed.
struct Followed {
    end: End,
    schedule: Schedule,
    choices: Vec<usize>,
}

/// A schedule that is to be followed: the first choices of another, and then another choice.
struct Branch {
    of: Rc<[usize]>,
    length: usize,
    choice: usize,
}

impl Branch {
    fn choice(&self, step: usize) -> Option<usize> {
        match step {
            step if step < self.length => self.of.get(step).copied(),
            step if step == self.length => Some(self.choice),
            _ => None,
        }
    }
}

/// What is done at a step.
enum Next {
    Take(usize),
    Stop(End),
}

/// A search through the schedules of a workflow.
pub(super) struct Search<'a> {
    settings: &'a Explore,
    code: &'a Code,
    found: Found,
}

impl<'a> Search<'a> {
    pub fn new(settings: &'a Explore, code: &'a Code) -> Self {
        Self {
            settings,
            code,
            found: Found::default(),
        }
    }

    /// Follows one schedule, and then what happens if nothing gets in the way.
    pub fn only(mut self, schedule: &Schedule) -> Result<Explored, LocalError> {
        let steps = schedule.steps();
        let followed = self.follow(|world, step, possible| {
            let Some(line) = steps.get(step) else {
                return Next::Take(0);
            };
            let lines: Vec<_> = possible.iter().map(|action| world.line(action)).collect();
            match lines.iter().position(|possible| possible == line) {
                Some(choice) => Next::Take(choice),
                None => Next::Stop(End::Wrong(Wrong::Impossible {
                    after: step,
                    line: line.clone(),
                    possible: lines,
                })),
            }
        })?;
        self.note(followed);
        Ok(self.found.explored(false, None))
    }

    /// Follows all schedules, or half as many as the bound; then others at random, up to the bound.
    pub fn all(mut self) -> Result<Explored, LocalError> {
        let mut states = HashSet::new();
        let mut branches = VecDeque::from([None]);
        let most = self.settings.bound.div_ceil(2);
        while let Some(branch) = branches.pop_front() {
            if self.found.schedules() >= most {
                return self.at_random();
            }
            self.systematic(branch, &mut states, &mut branches)?;
            if self.found.is_wrong() {
                return Ok(self.found.explored(false, None));
            }
        }
        Ok(self.found.explored(true, None))
    }

    /// Follows a branch, and adds the branches of the states that are new.
    fn systematic(
        &mut self,
        branch: Option<Branch>,
        states: &mut HashSet<u64>,
        branches: &mut VecDeque<Option<Branch>>,
    ) -> Result<(), LocalError> {
        let mut new = Vec::new();
        let followed = self.follow(|world, step, possible| {
            if let Some(choice) = branch.as_ref().and_then(|branch| branch.choice(step)) {
                return Next::Take(choice);
            }
            if !states.insert(world.hash()) {
                return Next::Stop(End::Known);
            }
            new.extend((1..possible.len()).map(|choice| (step, choice)));
            Next::Take(0)
        })?;
        let of: Rc<[usize]> = followed.choices.clone().into();
        branches.extend(new.into_iter().map(|(length, choice)| {
            let of = Rc::clone(&of);
            Some(Branch { of, length, choice })
        }));
        self.note(followed);
        Ok(())
    }

    /// Follows schedules in which each choice is drawn, up to the bound.
    fn at_random(mut self) -> Result<Explored, LocalError> {
        let seed = self.settings.seed.unwrap_or_else(|| {
            let mut anything = std::hash::BuildHasher::build_hasher(&std::hash::RandomState::new());
            self.found.schedules().hash(&mut anything);
            anything.finish()
        });
        for number in self.found.schedules()..self.settings.bound {
            let drawn = self.follow(|_, step, possible| {
                let mut hasher = DefaultHasher::new();
                (seed, number, step).hash(&mut hasher);
                // Less than the number of choices.
                Next::Take((hasher.finish() % possible.len() as u64) as usize)
            })?;
            let is_new = match &drawn.end {
                End::Closed(run) => self.found.is_new(run),
                End::Known => false,
                End::Wrong(_) => true,
            };
            let simplest = if is_new {
                self.simplified(drawn)?
            } else {
                drawn
            };
            self.note(simplest);
            if self.found.is_wrong() {
                break;
            }
        }
        Ok(self.found.explored(false, Some(seed)))
    }

    /// A schedule that ends as another one, with as few choices of its own as can be found by
    /// leaving them out one by one.
    fn simplified(&self, followed: Followed) -> Result<Followed, LocalError> {
        let mut simplest = followed;
        let mut step = simplest.choices.len();
        while step > 0 {
            step -= 1;
            if simplest.choices.get(step).is_none_or(|choice| *choice == 0) {
                continue;
            }
            let mut choices = simplest.choices.clone();
            choices[step] = 0;
            let simpler = self.follow(|_, step, possible| {
                let choice = choices.get(step).copied().unwrap_or(0);
                Next::Take(choice.min(possible.len() - 1))
            })?;
            if simpler.end.is_like(&simplest.end) {
                simplest = simpler;
            }
        }
        Ok(simplest)
    }

    /// Follows one schedule to its end.
    fn follow(
        &self,
        mut choose: impl FnMut(&World<'_>, usize, &[Action]) -> Next,
    ) -> Result<Followed, LocalError> {
        let mut world = World::new(self.code, self.settings.injected)?;
        let mut schedule = Schedule::default();
        let mut choices = Vec::new();
        let end = loop {
            if let Some(run) = world.closed() {
                break End::Closed(run);
            }
            let steps = choices.len();
            let mut possible = world.possible();
            if steps >= self.settings.steps || possible.is_empty() {
                break End::Wrong(Wrong::Endless { steps });
            }
            match choose(&world, steps, &possible) {
                Next::Stop(end) => break end,
                Next::Take(choice) => {
                    let action = possible.swap_remove(choice);
                    schedule.push(world.line(&action));
                    choices.push(choice);
                    if let Err(wrong) = world.perform(action) {
                        break End::Wrong(wrong);
                    }
                }
            }
        };
        Ok(Followed {
            end,
            schedule,
            choices,
        })
    }

    fn note(&mut self, followed: Followed) {
        match followed.end {
            End::Closed(run) => self.found.closed(run, followed.schedule),
            End::Known => self.found.known(),
            End::Wrong(wrong) => self.found.wrong(wrong, followed.schedule),
        }
    }
}
