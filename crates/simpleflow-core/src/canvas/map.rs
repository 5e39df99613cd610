//! One call for each of many values.

use crate::flow::{Flow, Submit};
use crate::future::Future;

impl Flow {
    /// Submits the call of an activity, or anything else, for each value.
    ///
    /// ```
    /// # use simpleflow_core::{ActivityCall, Flow, Result};
    /// # async fn example(flow: Flow, increment: fn(i64) -> ActivityCall<i64>) -> Result<()> {
    /// let futures = flow.map(increment, [1, 2, 3]);
    /// let incremented: Vec<i64> = flow.wait_all(futures).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn map<V, S: Submit>(
        &self,
        mut call: impl FnMut(V) -> S,
        values: impl IntoIterator<Item = V>,
    ) -> Vec<Future<S::Output>> {
        let mut futures = Vec::new();
        for value in values {
            futures.push(self.submit(call(value)));
        }
        futures
    }

    /// [`map`](Self::map) for calls with several arguments: each value is a tuple of them.
    ///
    /// ```
    /// # use simpleflow_core::{ActivityCall, Flow, Result};
    /// # async fn example(flow: Flow, add: fn(i64, i64) -> ActivityCall<i64>) -> Result<()> {
    /// let sums = flow.starmap(add, [(1, 2), (3, 4)]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn starmap<V, F>(
        &self,
        mut call: F,
        values: impl IntoIterator<Item = V>,
    ) -> Vec<Future<<F::Call as Submit>::Output>>
    where
        F: CallWith<V>,
        F::Call: Submit,
    {
        let mut futures = Vec::new();
        for value in values {
            futures.push(self.submit(call.call_with(value)));
        }
        futures
    }
}

/// A function that can be called with a tuple of its arguments, of which there are up to six.
pub trait CallWith<V> {
    /// What it gives.
    type Call;

    /// Calls it.
    fn call_with(&mut self, arguments: V) -> Self::Call;
}

macro_rules! call_with_tuples {
    ($(($($name:ident $index:tt),+))*) => {$(
        impl<Function, Call, $($name),+> CallWith<($($name,)+)> for Function
        where
            Function: FnMut($($name),+) -> Call,
        {
            type Call = Call;

            fn call_with(&mut self, arguments: ($($name,)+)) -> Call {
                self($(arguments.$index),+)
            }
        }
    )*};
}

call_with_tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
}
