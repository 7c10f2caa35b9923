//! A Postfix of our own: private folders and ports, mail to `example.test` kept in a maildir, all
//! other mail refused, gone with the test.

use super::certificate::{Authority, Flaw};
use notify_core::clock::{Clock as _, SystemClock};
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpStream;

const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
const INSTALL: &str = "this test runs a Postfix: as root, \
    `apt-get install -y --no-install-recommends postfix sasl2-bin libsasl2-modules`";

/// The user that the server takes.
pub const USER: &str = "app";
/// Its password.
pub const PASSWORD: &str = "correct horse";

/// A running server.
pub struct Postfix {
    folder: TempDir,
    authority: Authority,
    /// Without TLS or authentication, with `STARTTLS` on offer.
    pub plain: u16,
    /// `STARTTLS` and authentication.
    pub submission: u16,
    /// TLS from the first byte, and authentication.
    pub submissions: u16,
    /// Ends the server when the test process ends, in whatever way.
    watcher: Child,
}

impl Postfix {
    /// Starts it and waits until it answers.
    ///
    /// # Panics
    /// If it cannot be run here, saying what to install: a test that is skipped would look like one
    /// that passed.
    pub async fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("notify-postfix-")
            .tempdir_in("/var/tmp")
            .expect("a folder");
        let root = folder.path();
        assert_eq!(
            fs::metadata(root).expect("a folder").uid(),
            0,
            "not root; {INSTALL}"
        );
        for tool in ["postfix", "saslpasswd2"] {
            assert!(
                PATH.split(':')
                    .any(|path| Path::new(path).join(tool).exists()),
                "no {tool}; {INSTALL}"
            );
        }
        let [plain, submission, submissions] = free_ports();
        let authority = Authority::new();
        write_configuration(root, &authority, [plain, submission, submissions]);
        add_user(root);

        // Its stdin closes with this process, whatever happens to it; only then does it clean up.
        let stop = format!(
            "read -r _; postfix -c {0}/etc abort; rm -rf {0}",
            root.display()
        );
        let watcher = tool("sh")
            .args(["-c", &stop])
            .process_group(0)
            .stdin(Stdio::piped())
            .spawn()
            .expect("sh");
        run(tool("postfix").arg("-c").arg(root.join("etc")).arg("start"));
        for port in [plain, submission, submissions] {
            eventually(&format!("port {port}"), async || {
                TcpStream::connect(("127.0.0.1", port)).await.ok()
            })
            .await;
        }
        Self {
            folder,
            authority,
            plain,
            submission,
            submissions,
            watcher,
        }
    }

    /// What a client must trust.
    pub fn roots(&self) -> String {
        self.authority.pem()
    }

    /// The mail that has arrived for `to`, as it lies in the maildir. Waits for it.
    pub async fn mail(&self, to: &str, message_id: &str) -> Vec<u8> {
        let folder = self.folder.path().join("mail").join(to).join("new");
        let needle = format!("Message-ID: <{message_id}>");
        eventually(&needle, async || {
            let entries = fs::read_dir(&folder).ok()?;
            entries
                .filter_map(|entry| fs::read(entry.ok()?.path()).ok())
                .find(|mail| String::from_utf8_lossy(mail).contains(&needle))
        })
        .await
    }

    /// What it wrote into its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log/mail.log")).unwrap_or_default()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        let _ = self.watcher.wait();
    }
}

fn write_configuration(
    root: &Path,
    authority: &Authority,
    [plain, submission, submissions]: [u16; 3],
) {
    for folder in ["etc/sasl", "queue", "data", "mail", "log"] {
        fs::create_dir_all(root.join(folder)).expect("a folder");
    }
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).expect("permissions");
    let (postfix, nobody) = (user("postfix"), user("nobody"));
    chown(root.join("data"), Some(postfix.0), Some(postfix.1)).expect("chown");
    chown(root.join("mail"), Some(nobody.0), Some(nobody.1)).expect("chown");
    let certificate = authority.issue(Flaw::None);
    let write = |name: &str, content: &str| {
        fs::write(root.join("etc").join(name), content).expect("a file")
    };
    write("key.pem", &certificate.key_pem);
    fs::set_permissions(root.join("etc/key.pem"), fs::Permissions::from_mode(0o600))
        .expect("permissions");
    write("cert.pem", &certificate.chain_pem);
    let b = root.display();
    write(
        "sasl/smtpd.conf",
        &format!(
            "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {b}/etc/sasl/sasldb2\nmech_list: PLAIN LOGIN\n"
        ),
    );
    write("main.cf", &main_cf(&root.display().to_string(), nobody));
    write(
        "master.cf",
        &format!(
            "127.0.0.1:{plain} inet n - n - - smtpd
127.0.0.1:{submission} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes
127.0.0.1:{submissions} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes
{DAEMONS}"
        ),
    );
}

/// Nothing may leave the machine: relaying is refused, and what would be relayed all the same is an error.
fn main_cf(b: &str, (uid, gid): (u32, u32)) -> String {
    format!(
        "compatibility_level = 3.6
queue_directory = {b}/queue
data_directory = {b}/data
maillog_file_prefixes = {b}
maillog_file = {b}/log/mail.log
myhostname = localhost
mydestination =
inet_interfaces = loopback-only
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = example.test
virtual_mailbox_base = {b}/mail
virtual_mailbox_maps = inline:{{ {{ ada@example.test=ada/ }}, {{ bob@example.test=bob/ }} }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_mailbox_limit = 0
default_transport = error:5.7.1 no outside mail
relay_transport = error:5.7.1 no outside mail
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions =
    check_recipient_access inline:{{
        {{ full@example.test=452 4.2.2 mailbox full }},
        {{ later@example.test=450 4.2.0 greylisted }},
        {{ blocked@example.test=550 5.7.1 blocked by policy }},
        {{ refused@example.test=554 5.7.1 no }}
    }}, reject_unlisted_recipient
smtpd_sender_restrictions = check_sender_access inline:{{ {{ forged@example.test=553 5.7.1 not owned by you }} }}
smtpd_tls_chain_files = {b}/etc/key.pem, {b}/etc/cert.pem
smtpd_tls_security_level = may
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = {b}/etc/sasl
smtpd_sasl_local_domain = localhost
smtpd_client_connection_count_limit = 0
"
    )
}

const DAEMONS: &str = "pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
";

fn add_user(root: &Path) {
    let database = root.join("etc/sasl/sasldb2");
    let mut child = tool("saslpasswd2")
        .args(["-p", "-c", "-f"])
        .arg(&database)
        .args(["-u", "localhost", USER])
        .stdin(Stdio::piped())
        .spawn()
        .expect("saslpasswd2");
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(PASSWORD.as_bytes())
        .expect("a password");
    assert!(child.wait().expect("ends").success(), "saslpasswd2 failed");
    chown(&database, None, Some(user("postfix").1)).expect("chown");
    fs::set_permissions(&database, fs::Permissions::from_mode(0o640)).expect("permissions");
}

fn tool(name: &str) -> Command {
    let mut command = Command::new(
        PATH.split(':')
            .map(|path| PathBuf::from(path).join(name))
            .find(|path| path.exists())
            .unwrap_or_else(|| name.into()),
    );
    command
        .env_clear()
        .env("PATH", PATH)
        .env("LC_ALL", "C")
        .current_dir("/")
        .stdin(Stdio::null());
    command
}

fn run(command: &mut Command) {
    let output = command.output().expect("runs");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Number of a user and of its group.
fn user(name: &str) -> (u32, u32) {
    let passwd = fs::read_to_string("/etc/passwd").expect("users");
    let line = passwd
        .lines()
        .find(|line| line.split(':').next() == Some(name))
        .unwrap_or_else(|| panic!("no user {name}; {INSTALL}"));
    let mut numbers = line
        .split(':')
        .skip(2)
        .map(|number| number.parse().expect("a number"));
    (
        numbers.next().expect("a user"),
        numbers.next().expect("a group"),
    )
}

/// Ports that nobody used a moment ago.
fn free_ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
    listeners.map(|listener| listener.local_addr().expect("an address").port())
}

/// Asks until there is an answer, for a minute at most: a daemon is another process, and no clock
/// of ours moves it.
async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..3_000 {
        if let Some(answer) = ask().await {
            return answer;
        }
        SystemClock::new().sleep(Duration::from_millis(20)).await;
    }
    panic!("still waiting for {what}");
}
