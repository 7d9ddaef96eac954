//! Servers of etcd and trackers of one cluster, on this computer.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use potok_core::net::identity::Identity;

use crate::black_box::Tracker;
use crate::program::PATIENCE;

/// How etcd is asked whether it is there.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A port that nobody has now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// Certificates of an authority that was made for one test, by openssl.
#[derive(Debug)]
pub struct Certificates {
    dir: PathBuf,
}

impl Certificates {
    /// Makes an authority, a certificate for servers at 127.0.0.1, and one for clients.
    pub fn make(dir: &Path) -> Self {
        let openssl = |args: &[&str]| {
            let output = Command::new("openssl").args(args).current_dir(dir).output().expect("openssl runs");
            assert!(output.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        };
        let new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        let ca = ["req", "-x509", "-subj", "/CN=test authority", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem"];
        openssl(&[&ca[..], &new_key].concat());
        // etcd's gateway is a client of its own server.
        let extensions = "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\nbasicConstraints=CA:FALSE\n";
        std::fs::write(dir.join("extensions"), extensions).expect("written");
        for name in ["server", "client"] {
            let [key, request, certificate] = ["key", "csr", "pem"].map(|ending| format!("{name}.{ending}"));
            openssl(
                &[&["req", "-subj", &format!("/CN={name}"), "-keyout", &key, "-out", &request][..], &new_key].concat(),
            );
            openssl(&[
                "x509",
                "-req",
                "-in",
                &request,
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca.key",
                "-CAcreateserial",
                "-days",
                "2",
                "-extfile",
                "extensions",
                "-out",
                &certificate,
            ]);
        }
        Self { dir: dir.to_owned() }
    }

    /// The file of this name, such as `client.pem`.
    pub fn file(&self, name: &str) -> String {
        self.dir.join(name).to_str().expect("text").to_owned()
    }
}

/// One server of etcd.
#[derive(Debug)]
struct Server {
    name: String,
    client_port: u16,
    peer_port: u16,
    running: Option<Child>,
}

/// Servers of etcd that are one cluster. They are killed when dropped.
#[derive(Debug)]
pub struct EtcdServers {
    dir: tempfile::TempDir,
    servers: Vec<Server>,
    certificates: Option<Certificates>,
    /// Most bytes that they keep.
    quota: Option<u64>,
}

impl EtcdServers {
    /// Starts so many and waits until they agree.
    pub fn start(count: usize) -> Self {
        Self::start_with(count, false, None)
    }

    /// The same, which are full soon.
    pub fn start_small(count: usize, bytes: u64) -> Self {
        Self::start_with(count, false, Some(bytes))
    }

    /// The same, over TLS and for clients with a certificate only.
    pub fn start_tls(count: usize) -> Self {
        Self::start_with(count, true, None)
    }

    fn start_with(count: usize, is_tls: bool, quota: Option<u64>) -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let server = |n: usize| Server {
            name: format!("e{n}"),
            client_port: free_port(),
            peer_port: free_port(),
            running: None,
        };
        let certificates = is_tls.then(|| Certificates::make(dir.path()));
        let mut all = Self { servers: (0..count).map(server).collect(), dir, certificates, quota };
        (0..count).for_each(|n| all.spawn(n));
        (0..count).for_each(|n| all.wait_for(n));
        all
    }

    /// What a tracker's configuration says of them.
    pub fn settings(&self) -> String {
        let urls: Vec<String> = self.servers.iter().map(|server| format!("\"{}\"", self.url(server))).collect();
        let mut settings = format!("cluster = [{}]\n", urls.join(", "));
        if let Some(certificates) = &self.certificates {
            for (setting, file) in
                [("cluster_ca", "ca.pem"), ("cluster_certificate", "client.pem"), ("cluster_key", "client.key")]
            {
                settings += &format!("{setting} = {:?}\n", certificates.file(file));
            }
        }
        settings
    }

    fn url(&self, server: &Server) -> String {
        let scheme = if self.certificates.is_some() { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}", server.client_port)
    }

    /// SIGKILL.
    pub fn kill(&mut self, n: usize) {
        if let Some(mut running) = self.servers[n].running.take() {
            running.kill().expect("it runs");
            running.wait().expect("it ends");
        }
    }

    /// Starts it again on its data, and waits until it is of the cluster.
    pub fn restart(&mut self, n: usize) {
        self.spawn(n);
        self.wait_for(n);
    }

    /// Starts all again, of which none runs.
    pub fn restart_all(&mut self) {
        (0..self.servers.len()).for_each(|n| self.spawn(n));
        (0..self.servers.len()).for_each(|n| self.wait_for(n));
    }

    /// Sends a signal, such as STOP, to one of them.
    pub fn signal(&self, n: usize, name: &str) {
        let pid = self.servers[n].running.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().expect("kill runs").success());
    }

    /// Kills the only server, gives it what a snapshot has, and starts it, as somebody does who has a backup.
    pub fn restore(&mut self, snapshot: &Path) {
        assert_eq!(self.servers.len(), 1, "each server would be restored by itself");
        self.kill(0);
        let server = &self.servers[0];
        let (data, peer) = (self.dir.path().join(&server.name), format!("http://127.0.0.1:{}", server.peer_port));
        std::fs::remove_dir_all(&data).expect("removed");
        let (name, snapshot) = (server.name.as_str(), snapshot.to_str().expect("text"));
        let data = data.to_str().expect("text");
        let cluster = format!("{name}={peer}");
        let places = ["--name", name, "--data-dir", data, "--initial-cluster", &cluster];
        let peers = ["--initial-advertise-peer-urls", &peer];
        self.etcdctl(&[&["snapshot", "restore", snapshot][..], &places, &peers].concat());
        self.restart(0);
    }

    /// What `etcdctl` says; it fails if that does.
    pub fn etcdctl(&self, args: &[&str]) -> String {
        let output = self.try_etcdctl(args);
        assert!(output.status.success(), "etcdctl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// The same, whatever becomes of it.
    pub fn try_etcdctl(&self, args: &[&str]) -> std::process::Output {
        let urls: Vec<String> = self.servers.iter().map(|server| self.url(server)).collect();
        self.ctl(&urls.join(","), args)
    }

    fn ctl(&self, urls: &str, args: &[&str]) -> std::process::Output {
        let mut command = Command::new("etcdctl");
        command.env("ETCDCTL_API", "3").arg("--endpoints").arg(urls);
        if let Some(certificates) = &self.certificates {
            for (option, file) in [("--cacert", "ca.pem"), ("--cert", "client.pem"), ("--key", "client.key")] {
                command.arg(option).arg(certificates.file(file));
            }
        }
        command.args(args).output().expect("etcdctl runs")
    }

    fn spawn(&mut self, n: usize) {
        let members: Vec<String> = self
            .servers
            .iter()
            .map(|server| format!("{}=http://127.0.0.1:{}", server.name, server.peer_port))
            .collect();
        let (client, server) = (self.url(&self.servers[n]), &self.servers[n]);
        let peer = format!("http://127.0.0.1:{}", server.peer_port);
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join(&server.name).with_extension("log"));
        let mut command = Command::new("etcd");
        command
            .args(["--name", &server.name, "--logger", "zap", "--log-level", "warn", "--data-dir"])
            .arg(self.dir.path().join(&server.name))
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &members.join(",")]);
        if let Some(certificates) = &self.certificates {
            for (option, file) in
                [("--cert-file", "server.pem"), ("--key-file", "server.key"), ("--trusted-ca-file", "ca.pem")]
            {
                command.arg(option).arg(certificates.file(file));
            }
            command.arg("--client-cert-auth");
        }
        if let Some(bytes) = self.quota {
            command.args(["--quota-backend-bytes", &bytes.to_string()]);
        }
        let log = log.expect("a log");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        self.servers[n].running = Some(child.expect("etcd runs: apt-get install etcd-server"));
    }

    fn wait_for(&self, n: usize) {
        let (url, until) = (self.url(&self.servers[n]), Instant::now() + PATIENCE);
        while !self.ctl(&url, &["endpoint", "health"]).status.success() {
            assert!(Instant::now() < until, "{url} does not answer");
            sleep(LOOK_EVERY);
        }
    }
}

impl Drop for EtcdServers {
    fn drop(&mut self) {
        (0..self.servers.len()).for_each(|n| self.kill(n));
    }
}

/// Where the trackers of a cluster have their folders, all with one identity.
#[derive(Debug)]
pub struct TrackerFolders {
    dir: tempfile::TempDir,
    settings: String,
}

impl TrackerFolders {
    /// Trackers on these servers; `more` is for the configuration of each.
    pub fn new(etcd: &EtcdServers, more: &str) -> Self {
        let dir = tempfile::tempdir().expect("folder");
        Identity::load_or_create(&dir.path().join("identity.key")).expect("an identity");
        let settings = format!("local_discovery = false\nlisten = \"127.0.0.1:0\"\n{}{more}", etcd.settings());
        Self { dir, settings }
    }

    /// The data folder of the n-th tracker, ready to be started.
    pub fn data(&self, n: usize) -> PathBuf {
        let data = self.dir.path().join(format!("t{n}"));
        if !data.exists() {
            std::fs::create_dir(&data).expect("folder");
            std::fs::copy(self.dir.path().join("identity.key"), data.join("identity.key")).expect("copied");
            let settings = format!("{}mesh = \"127.0.0.1:{}\"\n", self.settings, free_port());
            std::fs::write(data.join("config.toml"), settings).expect("written");
        }
        data
    }

    /// Starts the n-th tracker.
    pub fn start(&self, potok_tracker: &Path, n: usize) -> Tracker {
        Tracker::start(potok_tracker, "127.0.0.1:0", &self.data(n), &[])
    }
}
