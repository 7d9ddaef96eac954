//! How fast files move, beside plain TCP in the same run: only the ratios of one run count.
//!
//! ```text
//! cargo run --release -p potok-core --example transfer_figures -- [--size GIB] [--files N] [--rounds N] [--dir DIR]
//! ```
//! Linux only. Both ends are processes on this computer; `--dir` is on tmpfs. The default congestion control of some
//! machines (bbr) paces even loopback: `unshare -n sh -c 'ip link set lo up; exec "$0" "$@"' target/release/examples/...`
//! gives the ordinary one.

#![allow(clippy::print_stdout, reason = "it prints figures")]

#[cfg(target_os = "linux")]
mod process;

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("the figures are taken on Linux");
}

#[cfg(target_os = "linux")]
fn main() -> Result<(), linux::Error> {
    linux::main()
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, File};
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Stdio};
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use potok_core::model::existing::Existing;
    use potok_core::model::hash::ContentHash;
    use potok_core::model::key::PublicKey;
    use potok_core::model::local_name::LocalName;
    use potok_core::model::share_path::SharePath;
    use potok_core::model::transfer::TransferState;
    use potok_core::model::username::Username;
    use potok_core::net::identity::Identity;
    use potok_core::net::tls::{Purpose, TlsClient, TlsServer};
    use potok_core::protocol::peer::Content;
    use potok_core::service::downloader::files::RealDisk;
    use potok_core::service::downloader::{
        BoxFuture, Directory, DownloadSettings, Downloader, DownloaderSetup, NewDownload,
    };
    use potok_core::service::peer_server::{PeerServer, PeerServerSetup, UploadSettings};
    use potok_core::service::share_indexer::{ShareIndexer, ShareIndexerConfig, ShareRequest};
    use potok_core::service::transfer_numbers::TransferNumbers;
    use potok_core::store::Store;
    use potok_core::store::downloads::{TargetName, WantedFile};
    use potok_core::transfer::Contact;
    use potok_core::transfer::downloads::{Announced, FoundUser};
    use potok_core::transfer::event::TransferEvent;
    use tokio::sync::{mpsc, watch};
    use tokio_util::sync::CancellationToken;

    pub(crate) use super::process::Error;
    use super::process::{cpu_seconds, memory_bytes};

    const PIECE_BYTES: usize = 256 * 1024;

    struct Args {
        gib: f64,
        files: usize,
        rounds: usize,
        dir: PathBuf,
    }

    pub(crate) fn main() -> Result<(), Error> {
        let given: Vec<String> = std::env::args().skip(1).collect();
        match given.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["serve", dir] => return serve(Path::new(dir)),
            ["serve-plain", path] => return serve_plain(Path::new(path)),
            _ => {}
        }
        let dir = PathBuf::from(format!("/dev/shm/potok-figures-{}", std::process::id()));
        let mut args = Args { gib: 4.0, files: 10_000, rounds: 3, dir };
        for pair in given.chunks(2) {
            match pair {
                [name, value] if name == "--size" => args.gib = value.parse()?,
                [name, value] if name == "--files" => args.files = value.parse()?,
                [name, value] if name == "--rounds" => args.rounds = value.parse()?,
                [name, value] if name == "--dir" => args.dir = value.into(),
                other => return Err(format!("unknown: {other:?}").into()),
            }
        }
        let _gone = fs::remove_dir_all(&args.dir);
        fs::create_dir_all(args.dir.join("src/small"))?;
        println!("congestion control: {}", fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control")?.trim());
        make_files(&args)?;
        let result = figures(&args);
        let _gone = fs::remove_dir_all(&args.dir);
        result
    }

    fn make_files(args: &Args) -> Result<(), Error> {
        let mut random = File::open("/dev/urandom")?;
        let mut piece = vec![0; 1 << 20];
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size that a person typed")]
        let pieces = (args.gib * 1024.0) as usize;
        let mut big = File::create(args.dir.join("src/big.bin"))?;
        random.read_exact(&mut piece)?;
        for n in 0..pieces as u64 {
            piece[..8].copy_from_slice(&n.to_le_bytes());
            piece.rotate_left(8);
            big.write_all(&piece)?;
        }
        for n in 0..args.files {
            random.read_exact(&mut piece[..4096])?;
            let folder = args.dir.join(format!("src/small/{}", n / 100));
            if n % 100 == 0 {
                fs::create_dir(&folder)?;
            }
            fs::write(folder.join(n.to_string()), &piece[..4096])?;
        }
        Ok(())
    }

    fn figures(args: &Args) -> Result<(), Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let (server, lines) = start(&["serve", &args.dir.to_string_lossy()], 3)?;
        let [about, shared, listed] = lines.as_slice() else { return Err("the server says too little".into()) };
        println!("{shared}");
        let mut words = about.split(' ');
        let (address, key) = (words.next().unwrap_or_default().parse()?, words.next().unwrap_or_default().parse()?);
        let contact = Contact { username: Username::new("anna")?, address: Some(address), key };
        let list: Vec<(SharePath, Content)> = fs::read_to_string(listed)?.lines().filter_map(listed_share).collect();
        let (big, small): (Vec<_>, Vec<_>) = list.into_iter().partition(|(path, _)| path.as_str() == "src/big.bin");
        for _ in 0..args.rounds {
            let size = big.first().map_or(0, |(_, content)| content.size);
            let plain = plain_copy(args)?;
            println!("sendfile over TCP, fresh file  {:>8.0} MB/s", mb(size) / plain.as_secs_f64());
            let run = runtime.block_on(fetch(&args.dir.join("one"), &contact, &big, server.0.id()))?;
            println!(
                "one file, encrypted, verified  {:>8.0} MB/s   {:.2} of plain   CPU-s/GB {:.2} send {:.2} receive",
                mb(size) / run.took.as_secs_f64(),
                plain.as_secs_f64() / run.took.as_secs_f64(),
                run.sender_cpu / mb(size) * 1000.0,
                run.receiver_cpu / mb(size) * 1000.0,
            );
            compare(&args.dir.join("src/big.bin"), &args.dir.join("one/src/big.bin"))?;
            fs::remove_dir_all(args.dir.join("one"))?;
            println!(
                "resident at most, MiB          {:>8} send {} receive",
                peak_mib(server.0.id())?,
                peak_mib(std::process::id())?
            );
            let run = runtime.block_on(fetch(&args.dir.join("many"), &contact, &small, server.0.id()))?;
            println!(
                "{} files of 4 KiB           {:>8.0} files/s   CPU us a file {:.0} send {:.0} receive",
                small.len(),
                small.len() as f64 / run.took.as_secs_f64(),
                run.sender_cpu / small.len() as f64 * 1e6,
                run.receiver_cpu / small.len() as f64 * 1e6,
            );
            fs::remove_dir_all(args.dir.join("many"))?;
        }
        Ok(())
    }

    fn listed_share(line: &str) -> Option<(SharePath, Content)> {
        let mut words = line.splitn(3, ' ');
        let size = words.next()?.parse().ok()?;
        let hash: ContentHash = words.next()?.parse().ok()?;
        Some((SharePath::new(words.next()?).ok()?, Content { hash, size }))
    }

    /// Shares the folder `src` below `dir`, in a process of its own.
    fn serve(dir: &Path) -> Result<(), Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let data = dir.join("server");
            fs::create_dir_all(&data)?;
            let store = Arc::new(Store::open(&data.join("potok.redb"))?.store);
            let (library_events, mut heard) = mpsc::channel(1024);
            let config = ShareIndexerConfig::new(Arc::clone(&store), data.clone());
            let (share_indexer, _task) = ShareIndexer::start(config, library_events, CancellationToken::new())?;
            tokio::spawn(async move { while heard.recv().await.is_some() {} });
            let begun = Instant::now();
            let request = ShareRequest { typed: "src".into(), cwd: dir.to_owned(), share_as: None };
            let shares = share_indexer.share(vec![request]).await?;
            let took = begun.elapsed();
            let identity = Identity::generate();
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
            let (_settings, settings) = watch::channel(UploadSettings::default());
            let guest = Username::new("guest")?;
            let setup = PeerServerSetup {
                tls: TlsServer::new(&identity, Purpose::Peer),
                content_source: Arc::new(share_indexer.table()),
                admission: Arc::new(move |_: &PublicKey| Some(guest.clone())),
                settings,
                numbers: Arc::new(TransferNumbers::after(&store)?),
                arrivals: Arc::default(),
                outgoing: watch::Sender::default().subscribe(),
            };
            let (events, mut uploads) = mpsc::channel(1024);
            tokio::spawn(async move { while uploads.recv().await.is_some() {} });
            let server = PeerServer::start(listener, setup, events, CancellationToken::new())?;
            let list = data.join("list");
            let mut text = String::new();
            for share in shares {
                if let (Some(size), Some(hash)) = (share.size, share.hash) {
                    text += &format!("{size} {hash} {}\n", share.path);
                }
            }
            fs::write(&list, text)?;
            println!("{} {}", server.address(), identity.public_key());
            println!("time to share: {:.2} s", took.as_secs_f64());
            println!("{}", list.display());
            std::future::pending::<()>().await;
            Ok(())
        })
    }

    struct Run {
        took: Duration,
        sender_cpu: f64,
        receiver_cpu: f64,
    }

    async fn fetch(dir: &Path, from: &Contact, list: &[(SharePath, Content)], server: u32) -> Result<Run, Error> {
        fs::create_dir_all(dir)?;
        let data = dir.with_extension("data");
        fs::create_dir_all(&data)?;
        let store = Store::open(&data.join("potok.redb"))?.store;
        let (_settings, settings) = watch::channel(DownloadSettings::default());
        let setup = DownloaderSetup {
            numbers: Arc::new(TransferNumbers::after(&store)?),
            store: Arc::new(store),
            tls: TlsClient::new(&Identity::generate(), Purpose::Peer),
            arrivals: Arc::default(),
            outgoing: watch::Sender::default().subscribe(),
            directory: Arc::new(Book { contact: from.clone(), version: watch::Sender::new(0) }),
            settings,
            disk: Arc::new(RealDisk),
        };
        let (events, mut heard) = mpsc::channel(1024);
        let cancel = CancellationToken::new();
        let (downloader, task) = Downloader::start(setup, events, cancel.clone()).await?;
        let mut files = Vec::with_capacity(list.len());
        for (path, content) in list {
            let names = path.parts().map(LocalName::new).collect::<Result<_, _>>()?;
            files.push(WantedFile { remote: path.clone(), content: *content, name: TargetName::Below(names) });
        }
        let download = NewDownload {
            user: from.username.clone(),
            label: "src/".into(),
            is_folder: true,
            into: dir.to_owned(),
            existing: Existing::Refuse,
            files,
        };
        let (sender_before, receiver_before) = (cpu_seconds(server)?, cpu_seconds(std::process::id())?);
        let begun = Instant::now();
        let id = downloader.add(download).await?;
        while let Some(event) = heard.recv().await {
            match event {
                TransferEvent::Finished(_) => break,
                TransferEvent::Failed(_, error) => return Err(error.into()),
                TransferEvent::Changed(state) if state.number == id => {
                    if let TransferState::Failed(error) = state.state {
                        return Err(error.into());
                    }
                }
                _ => {}
            }
        }
        let took = begun.elapsed();
        let run = Run {
            took,
            sender_cpu: cpu_seconds(server)? - sender_before,
            receiver_cpu: cpu_seconds(std::process::id())? - receiver_before,
        };
        cancel.cancel();
        task.await?;
        fs::remove_dir_all(&data)?;
        Ok(run)
    }

    struct Book {
        contact: Contact,
        version: watch::Sender<u64>,
    }

    impl Directory for Book {
        fn find(&self, _user: &Username) -> FoundUser {
            FoundUser::Here(self.contact.clone())
        }

        fn sources(&self, _hash: ContentHash) -> BoxFuture<'_, Vec<Contact>> {
            Box::pin(std::future::ready(vec![self.contact.clone()]))
        }

        fn announced(&self, _user: Username, _path: SharePath) -> BoxFuture<'_, Announced> {
            Box::pin(std::future::ready(Announced::Nothing))
        }

        fn changes(&self) -> watch::Receiver<u64> {
            self.version.subscribe()
        }
    }

    fn serve_plain(path: &Path) -> Result<(), Error> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        println!("{}", listener.local_addr()?);
        let (stream, _) = listener.accept()?;
        let file = File::open(path)?;
        let mut left = file.metadata()?.len();
        while left > 0 {
            let sent = rustix::fs::sendfile(&stream, &file, None, usize::try_from(left)?)?;
            left -= sent as u64;
        }
        Ok(())
    }

    fn plain_copy(args: &Args) -> Result<Duration, Error> {
        let path = args.dir.join("src/big.bin");
        let (mut sender, lines) = start(&["serve-plain", &path.to_string_lossy()], 1)?;
        let address: SocketAddr = lines.first().ok_or("no address")?.parse()?;
        let target = args.dir.join("plain.bin");
        let mut buffer = vec![0; PIECE_BYTES];
        let begun = Instant::now();
        let mut stream = TcpStream::connect(address)?;
        let mut file = File::create(&target)?;
        loop {
            match stream.read(&mut buffer)? {
                0 => break,
                bytes => file.write_all(&buffer[..bytes])?,
            }
        }
        let took = begun.elapsed();
        sender.0.wait()?;
        fs::remove_file(target)?;
        Ok(took)
    }

    fn start(args: &[&str], lines: usize) -> Result<(Other, Vec<String>), Error> {
        let mut child = Command::new(std::env::current_exe()?).args(args).stdout(Stdio::piped()).spawn()?;
        let said = BufReader::new(child.stdout.take().ok_or("no output")?).lines().take(lines);
        let said = said.collect::<Result<Vec<_>, _>>()?;
        Ok((Other(child), said))
    }

    /// The process at the other end; it ends with this one.
    struct Other(Child);

    impl Drop for Other {
        fn drop(&mut self) {
            let _ended_already = self.0.kill();
            let _status = self.0.wait();
        }
    }

    fn compare(one: &Path, other: &Path) -> Result<(), Error> {
        let (mut one, mut other) = (File::open(one)?, File::open(other)?);
        let (mut a, mut b) = (vec![0; PIECE_BYTES], vec![0; PIECE_BYTES]);
        loop {
            let bytes = one.read(&mut a)?;
            if bytes == 0 {
                return if other.read(&mut b)? == 0 { Ok(()) } else { Err("longer".into()) };
            }
            other.read_exact(&mut b[..bytes])?;
            if a[..bytes] != b[..bytes] {
                return Err("the files differ".into());
            }
        }
    }

    fn mb(bytes: u64) -> f64 {
        bytes as f64 / 1e6
    }

    /// The most memory that it had.
    fn peak_mib(pid: u32) -> Result<u64, Error> {
        Ok(memory_bytes(pid, "VmHWM")? >> 20)
    }
}
