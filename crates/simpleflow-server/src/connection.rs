//! The connection of a client, and whether the client is still there.
//!
//! hyper learns of a client that hung up when it next reads, which may be after a task was sent. A
//! look at the socket just before tells.

use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A connection that can be looked at while it is served.
pub(crate) struct Connection(Arc<TcpStream>);

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self(Arc::new(stream))
    }

    /// The client at its other end.
    pub(crate) fn peer(&self) -> Peer {
        Peer(Arc::clone(&self.0))
    }
}

/// The client at the other end of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer(Arc<TcpStream>);

impl Peer {
    /// Whether it is on this machine, and reached the server without its network.
    pub(crate) fn is_local(&self) -> bool {
        self.0
            .peer_addr()
            .is_ok_and(|peer| peer.ip().to_canonical().is_loopback())
    }

    /// Whether it hung up, as far as this machine knows. One that has only closed its half of the
    /// connection counts as gone, as it does for hyper.
    pub(crate) fn has_hung_up(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        match SockRef::from(&*self.0).peek(&mut byte) {
            Ok(read) => read == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(context))?;
            match self.0.try_read(buffer.initialize_unfilled()) {
                Ok(read) => {
                    buffer.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(context))?;
            match self.0.try_write_vectored(slices) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => return Poll::Ready(outcome),
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A socket keeps nothing back.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(&*self.0).shutdown(Shutdown::Write))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::net;

    use super::*;

    /// Both ends of a connection: the client's, and the client as the server sees it.
    pub(crate) fn connected() -> (net::TcpStream, Peer) {
        let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let connection = Connection::new(TcpStream::from_std(stream).unwrap());
        (client, connection.peer())
    }

    #[tokio::test]
    async fn a_client_that_hangs_up_is_gone_at_once() {
        use std::io::Write as _;
        let (mut client, peer) = connected();
        assert!(!peer.has_hung_up() && peer.is_local());
        client.write_all(b"more").unwrap();
        peer.0.readable().await.unwrap();
        assert!(!peer.has_hung_up(), "it says something");
        let mut bytes = [0; 8];
        assert_eq!(peer.0.try_read(&mut bytes).unwrap(), 4);
        drop(client);
        peer.0.readable().await.unwrap();
        assert!(peer.has_hung_up());
    }
}
