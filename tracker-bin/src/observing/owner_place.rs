//! Where only the owner of a data folder can ask the tracker that runs on it: a socket in that folder, on Windows a named
//! pipe whose name stands in it.

pub(super) use system::{OwnerListener, connect};

#[cfg(unix)]
mod system {
    use std::io;
    use std::path::{Path, PathBuf};

    use tokio::net::{UnixListener, UnixStream};

    const FILE: &str = "tracker.sock";

    /// Gone from the folder with its end.
    pub(in crate::observing) struct OwnerListener {
        listener: UnixListener,
        path: PathBuf,
    }

    impl OwnerListener {
        pub(in crate::observing) fn bind(data_dir: &Path) -> io::Result<Self> {
            let path = data_dir.join(FILE);
            // The folder is ours: its lock on the database says so. What lies there is of a run before.
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let listener = UnixListener::bind(&path)?;
            // Also in a folder that was there before, and that others may enter.
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            Ok(Self { listener, path })
        }

        pub(in crate::observing) async fn accept(&mut self) -> io::Result<UnixStream> {
            self.listener.accept().await.map(|(stream, _)| stream)
        }
    }

    impl Drop for OwnerListener {
        fn drop(&mut self) {
            let _gone_already = std::fs::remove_file(&self.path);
        }
    }

    /// `NotFound` or `ConnectionRefused` if no tracker runs there.
    pub(in crate::observing) async fn connect(data_dir: &Path) -> io::Result<UnixStream> {
        UnixStream::connect(data_dir.join(FILE)).await
    }
}

#[cfg(windows)]
mod system {
    use std::io;
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use potok_core::net::identity::Identity;
    use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions};

    /// Holds the name of the pipe.
    const FILE: &str = "tracker.pipe";
    const NAME_BEGIN: &str = r"\\.\pipe\potok-tracker-";
    /// `ERROR_PIPE_BUSY`: somebody else came first, and the next instance is not there yet.
    const BUSY: i32 = 231;
    const BUSY_TRIES: u32 = 20;
    const BUSY_PAUSE: Duration = Duration::from_millis(50);

    /// Its name is gone from the folder with its end.
    pub(in crate::observing) struct OwnerListener {
        name: String,
        /// The instance for whoever comes next.
        next: NamedPipeServer,
        path: PathBuf,
    }

    impl OwnerListener {
        /// Whoever made the pipe, administrators and the system itself may write to it, others not (the security of a
        /// named pipe unless one asks for another); programs on other computers cannot open it.
        pub(in crate::observing) fn bind(data_dir: &Path) -> io::Result<Self> {
            // Nobody can guess it, so nobody can be there before us.
            let name = format!("{NAME_BEGIN}{}", Identity::generate().public_key());
            let next = ServerOptions::new().first_pipe_instance(true).create(&name)?;
            let path = data_dir.join(FILE);
            std::fs::write(&path, &name)?;
            Ok(Self { name, next, path })
        }

        pub(in crate::observing) async fn accept(&mut self) -> io::Result<NamedPipeServer> {
            self.next.connect().await?;
            match ServerOptions::new().create(&self.name) {
                Ok(next) => Ok(std::mem::replace(&mut self.next, next)),
                Err(error) => {
                    self.next.disconnect()?;
                    Err(error)
                }
            }
        }
    }

    impl Drop for OwnerListener {
        fn drop(&mut self) {
            let _gone_already = std::fs::remove_file(&self.path);
        }
    }

    /// `NotFound` if no tracker runs there.
    pub(in crate::observing) async fn connect(data_dir: &Path) -> io::Result<NamedPipeClient> {
        let name = std::fs::read_to_string(data_dir.join(FILE))?;
        // Any other name might be a pipe of another computer.
        let is_ours =
            name.strip_prefix(NAME_BEGIN).is_some_and(|key| key.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        if !is_ours {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{FILE} holds no name of a pipe of Potok")));
        }
        for _ in 0..BUSY_TRIES {
            match ClientOptions::new().open(&name) {
                Err(error) if error.raw_os_error() == Some(BUSY) => tokio::time::sleep(BUSY_PAUSE).await,
                opened => return opened,
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }
}
