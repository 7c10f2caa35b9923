//! The server under a fake vendor.

use super::super::canary;
use super::Request;
use super::reply::{Failure, Reply};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

pub(super) type Handler = dyn Fn(Request) -> Reply + Send + Sync;

pub(super) enum Protocols {
    Plain,
    Tls(Arc<ServerConfig>),
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    state: Arc<State>,
    /// Ends the server's thread when it is dropped.
    running: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
}

struct State {
    handler: Arc<Handler>,
    protocols: Protocols,
    connections: AtomicUsize,
    refuse_next: AtomicBool,
    /// Raised to close all connections.
    closing: watch::Sender<u64>,
    open: watch::Sender<usize>,
}

impl Server {
    /// On a thread of its own: a test may not have a runtime yet, or may stop its time.
    pub(super) fn start(protocols: Protocols, handler: Arc<Handler>) -> Self {
        let state = Arc::new(State {
            handler,
            protocols,
            connections: AtomicUsize::new(0),
            refuse_next: AtomicBool::new(false),
            closing: watch::channel(0).0,
            open: watch::channel(0).0,
        });
        let (running, stopped) = oneshot::channel::<()>();
        let (end, ended) = oneshot::channel();
        let (ready, address) = mpsc::channel();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            canary::is_vendor();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.expect("a runtime").block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                let address = listener.local_addr().expect("an address");
                ready.send(address).expect("the test waits");
                tokio::select! {
                    () = accept(listener, shared) => {}
                    _ = stopped => {}
                }
            });
            // The runtime is gone, and all sockets with it.
            let _ = end.send(());
        });
        Self {
            address: address.recv().expect("the server starts"),
            state,
            running,
            ended,
        }
    }

    pub(super) async fn stop(self) {
        drop(self.running);
        self.ended.await.expect("the thread ends well");
    }

    pub(super) async fn unreachable_once(&self) {
        self.state.refuse_next.store(true, Ordering::SeqCst);
        self.state.closing.send_modify(|times| *times += 1);
        let mut open = self.state.open.subscribe();
        open.wait_for(|open| *open == 0).await.expect("it runs");
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        if state.refuse_next.swap(false, Ordering::SeqCst) {
            continue;
        }
        state.open.send_modify(|open| *open += 1);
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let _ = connection(stream, Arc::clone(&state)).await;
            state.open.send_modify(|open| *open -= 1);
        });
    }
}

/// Serves one connection. If it is to be closed, waits until the client has closed its side too.
async fn connection(stream: TcpStream, state: Arc<State>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let number = state.connections.fetch_add(1, Ordering::SeqCst);
    let mut closing = state.closing.subscribe();
    // Another handle on the same socket, which outlives the server's.
    let stream = stream.into_std()?;
    let twin = TcpStream::from_std(stream.try_clone()?)?;
    let stream = TcpStream::from_std(stream)?;
    tokio::select! {
        () = protocol(stream, number, &state) => Ok(()),
        _ = closing.changed() => hang_up(twin).await,
    }
}

async fn hang_up(mut twin: TcpStream) -> std::io::Result<()> {
    twin.shutdown().await?;
    let mut rest = [0; 4_096];
    while twin.read(&mut rest).await? > 0 {}
    Ok(())
}

async fn protocol(stream: TcpStream, number: usize, state: &State) {
    let handler = Arc::clone(&state.handler);
    match &state.protocols {
        Protocols::Plain => http(stream, "http", number, handler).await,
        Protocols::Tls(config) => {
            if let Ok(stream) = TlsAcceptor::from(Arc::clone(config)).accept(stream).await {
                http(stream, "https", number, handler).await;
            }
        }
    }
}

async fn http<S>(stream: S, scheme: &'static str, number: usize, handler: Arc<Handler>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let handler = Arc::clone(&handler);
        async move {
            match read(request, scheme, number).await {
                Ok(request) => handler(request).play().await,
                Err(error) => Err(Failure(error.into())),
            }
        }
    });
    // A connection that is cut ends with an error, as it is meant to.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// The whole request. hyper refuses what breaks the protocol.
async fn read(
    request: hyper::Request<Incoming>,
    scheme: &str,
    connection: usize,
) -> hyper::Result<Request> {
    let (head, mut incoming) = request.into_parts();
    let mut body = Vec::new();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut incoming).poll_frame(cx)).await
    {
        if let Ok(data) = frame?.into_data() {
            body.extend_from_slice(&data);
        }
    }
    let named = head.uri.authority().map(|name| name.as_str().to_owned());
    let host = head.headers.get("host").and_then(|host| host.to_str().ok());
    let host = named.unwrap_or_else(|| host.unwrap_or_default().to_owned());
    let target = head.uri.path_and_query();
    let target = target.map_or("/", |target| target.as_str());
    Ok(Request {
        url: format!("{scheme}://{host}{target}"),
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
        connection,
        http2: head.version == hyper::Version::HTTP_2,
    })
}
