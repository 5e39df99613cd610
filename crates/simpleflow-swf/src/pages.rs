//! Listings as streams that page by themselves.

use futures::stream::{self, Stream, TryStreamExt as _};
use simpleflow_model::PageToken;
use simpleflow_service::ServiceError;

/// Where a listing is.
enum At {
    Page(Option<PageToken>),
    End,
}

/// The items of all pages. The next page is asked for when the items of the one before are taken.
pub(crate) fn pages<T, F, R>(fetch: F) -> impl Stream<Item = Result<T, ServiceError>> + use<T, F, R>
where
    F: FnMut(Option<PageToken>) -> R,
    R: Future<Output = Result<(Vec<T>, Option<PageToken>), ServiceError>>,
{
    stream::try_unfold((fetch, At::Page(None)), |(mut fetch, at)| async move {
        let At::Page(token) = at else {
            return Ok(None);
        };
        let (items, next) = fetch(token).await?;
        let next = match next {
            Some(token) => At::Page(Some(token)),
            None => At::End,
        };
        let items = stream::iter(items.into_iter().map(Ok));
        Ok::<_, ServiceError>(Some((items, (fetch, next))))
    })
    .try_flatten()
}
