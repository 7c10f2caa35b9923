//! Mails over eight connections to a server in the same process that takes everything.
//!
//! Run with `cargo bench --bench smtp`.
//!
//! Baseline (two cores shared with the server, Linux, Rust 1.95, `--quick`): pipelined 42,800 mails/s, one command at a time
//! 22,400/s, signed by DKIM 35,300/s.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use notify_benches::runtime;
use notify_core::channel::{EmailMessage, Mailbox};
use notify_core::provider::{Envelope, Provider as _};
use notify_core::{Address, Message};
use notify_providers::smtp::{Dkim, SmtpProvider, SmtpSecurity};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const MAILS: u64 = 2_048;
const TASKS: u64 = 64;

/// An Ed25519 key of no other use: the private key of RFC 8463, appendix A.2.
const SEED: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";

fn smtp(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("smtp");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(MAILS));
    for (name, extensions, signed) in [
        ("pipelining", "250-sink\r\n250 PIPELINING\r\n", false),
        ("one command at a time", "250 sink\r\n", false),
        ("pipelining, signed", "250-sink\r\n250 PIPELINING\r\n", true),
    ] {
        let provider = Arc::new(provider(sink(extensions), signed));
        group.bench_function(BenchmarkId::new("8 connections", name), |b| {
            b.to_async(&runtime)
                .iter(|| send_all(Arc::clone(&provider)));
        });
    }
    group.finish();
}

fn provider(port: u16, signed: bool) -> SmtpProvider {
    let from: Mailbox = "Example <news@example.com>".parse().expect("a mailbox");
    let mut builder = SmtpProvider::builder("127.0.0.1", from)
        .port(port)
        .security(SmtpSecurity::None);
    if signed {
        builder = builder.dkim(Dkim::new("example.com", "s1", SEED).expect("reads"));
    }
    builder.build().expect("builds")
}

async fn send_all(provider: Arc<SmtpProvider>) {
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let provider = Arc::clone(&provider);
        tasks.spawn(async move {
            for n in 0..MAILS / TASKS {
                let text = "0123456789 abcdefghijklmnopqrstuvwxyz\n".repeat(12);
                let mail = EmailMessage::new("Your order is on its way", text);
                let mut envelope = Envelope::new(
                    format!("{task}-{n}"),
                    Address::email("ada@example.org"),
                    Message::new(mail),
                );
                envelope.timeout = Duration::from_secs(30);
                provider.send(&envelope).await.expect("sent");
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no panic");
    }
}

/// A server on a thread of its own; answers with its port.
fn sink(extensions: &'static str) -> u16 {
    let (ready, port) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            ready
                .send(listener.local_addr().expect("an address").port())
                .expect("somebody waits");
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(take_everything(stream, extensions));
            }
        });
    });
    port.recv().expect("the sink starts")
}

async fn take_everything(stream: TcpStream, extensions: &'static str) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut replies = b"220 sink\r\n".to_vec();
    let (mut line, mut in_mail) = (Vec::new(), false);
    loop {
        // Answers go out together when nothing more is to be read.
        if stream.buffer().is_empty() && !replies.is_empty() {
            stream.get_mut().write_all(&replies).await?;
            replies.clear();
        }
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let reply: &[u8] = match &line[..] {
            b".\r\n" if in_mail => {
                in_mail = false;
                b"250 ok\r\n"
            }
            _ if in_mail => b"",
            line if line.starts_with(b"EHLO") => extensions.as_bytes(),
            b"DATA\r\n" => {
                in_mail = true;
                b"354 go\r\n"
            }
            _ => b"250 ok\r\n",
        };
        replies.extend_from_slice(reply);
    }
}

criterion_group!(benches, smtp);
criterion_main!(benches);
