//! The tracker as a service of Windows: from every start of the system on, with nobody signed in, as an account that may do
//! next to nothing (Local Service).
//!
//! Its data folder is below `ProgramData` unless another is named, and its log lies there, a file a day: a service has no
//! terminal.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use potok_core::disk::private;
use potok_core::tracker::settings::LogFormat;
use tokio_util::sync::CancellationToken;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use windows_service::service::{
    Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceControl, ServiceControlAccept,
    ServiceErrorControl, ServiceExitCode, ServiceFailureActions, ServiceFailureResetPeriod, ServiceInfo,
    ServiceStartType, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use windows_service::{define_windows_service, service_dispatcher};

use crate::args::{Args, ServiceTask};
use crate::{Failure, Surroundings, begin_log, tasks, track};

/// As the service manager knows it.
const NAME: &str = "potok-tracker";
/// As a person sees it, in the list of services and in the firewall.
const SHOWN_NAME: &str = "Potok tracker";
/// Local Service: by its number for access lists, as names are translated, and by the name that the manager knows everywhere.
const ACCOUNT_NUMBER: &str = "*S-1-5-19";
const ACCOUNT: &str = r"NT AUTHORITY\LocalService";
/// A tracker that has failed is started again after so long, as often as it takes.
const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// It counts as well again after so long.
const WELL_AFTER: Duration = Duration::from_secs(3600);
/// Ending takes two seconds at most.
const STOPPED_WITHIN: Duration = Duration::from_secs(10);
/// Files of the log that are kept, one a day.
const LOG_FILES_MAX: usize = 14;

/// The folder for everything, where none was named: a service has no profile that anybody would look into.
pub(crate) fn data_dir() -> PathBuf {
    PathBuf::from(std::env::var_os("ProgramData").unwrap_or_else(|| r"C:\ProgramData".into())).join(NAME)
}

/// Installs it, removes it, or is it.
pub(crate) fn carry_out(task: ServiceTask, dir: &Path, config: Option<&Path>) -> Result<ExitCode, Failure> {
    match task {
        ServiceTask::Install => install(dir, config),
        ServiceTask::Uninstall => uninstall(),
        ServiceTask::Run => {
            service_dispatcher::start(NAME, service_entry).map_err(not_done)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The error of the system that it is about, not the name of a call.
fn not_done(why: windows_service::Error) -> Failure {
    match why {
        windows_service::Error::Winapi(why) if why.kind() == io::ErrorKind::PermissionDenied => {
            Failure::NotAdministrator
        }
        windows_service::Error::Winapi(why) => Failure::System(why),
        other => Failure::System(io::Error::other(other)),
    }
}

fn manager(access: ServiceManagerAccess) -> Result<ServiceManager, Failure> {
    ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT | access).map_err(not_done)
}

fn install(dir: &Path, config: Option<&Path>) -> Result<ExitCode, Failure> {
    let whole = |path: &Path| std::path::absolute(path).map_err(Failure::System);
    let (dir, program) = (whole(dir)?, std::env::current_exe()?);
    let mut arguments: Vec<OsString> = vec!["service".into(), "run".into(), "--data-dir".into(), dir.clone().into()];
    if let Some(config) = config {
        arguments.extend(["--config".into(), whole(config)?.into()]);
    }
    let manager = manager(ServiceManagerAccess::CREATE_SERVICE)?;
    private::create_dir_for_account(&dir, ACCOUNT_NUMBER)
        .map_err(|source| Failure::DataDir { path: dir.display().to_string(), source })?;
    let info = ServiceInfo {
        name: NAME.into(),
        display_name: SHOWN_NAME.into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: program.clone(),
        launch_arguments: arguments,
        dependencies: Vec::new(),
        account_name: Some(ACCOUNT.into()),
        account_password: None,
    };
    let access = ServiceAccess::CHANGE_CONFIG | ServiceAccess::START;
    let service = manager.create_service(&info, access).map_err(not_done)?;
    describe(&service).map_err(not_done)?;
    let is_let_through = through_firewall(&["add", "rule", "dir=in", "action=allow", "profile=any"], Some(&program));
    service.start::<OsString>(&[]).map_err(not_done)?;
    let firewall = if is_let_through { "" } else { "; the firewall was not told, and may keep others out" };
    let dir = dir.display();
    tasks::say(&format!(
        "{SHOWN_NAME} runs, now and from every start of Windows on; its invite is in its log in {dir}{firewall}\n"
    ))
}

fn describe(service: &Service) -> windows_service::Result<()> {
    service.set_description("Knows who is online in a Potok network and what they share; carries no files.")?;
    service.update_failure_actions(ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(WELL_AFTER),
        reboot_msg: None,
        command: None,
        actions: Some(vec![ServiceAction { action_type: ServiceActionType::Restart, delay: AGAIN_AFTER }]),
    })
}

/// Its identity and names stay where they are.
fn uninstall() -> Result<ExitCode, Failure> {
    let manager = manager(ServiceManagerAccess::empty())?;
    let access = ServiceAccess::QUERY_STATUS | ServiceAccess::STOP | ServiceAccess::DELETE;
    let service = manager.open_service(NAME, access).map_err(not_done)?;
    if service.query_status().map_err(not_done)?.current_state != ServiceState::Stopped {
        service.stop().map_err(not_done)?;
    }
    let until = Instant::now() + STOPPED_WITHIN;
    while service.query_status().map_err(not_done)?.current_state != ServiceState::Stopped && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(100));
    }
    service.delete().map_err(not_done)?;
    through_firewall(&["delete", "rule"], None);
    tasks::say(&format!("{SHOWN_NAME} is no service any more\n"))
}

/// By Windows' own program; whether it did it.
fn through_firewall(what: &[&str], program: Option<&Path>) -> bool {
    let system = std::env::var_os("SystemRoot").unwrap_or_else(|| r"C:\Windows".into());
    let mut command = Command::new(PathBuf::from(system).join("System32").join("netsh.exe"));
    command.args(["advfirewall", "firewall"]).args(what).arg(format!("name={SHOWN_NAME}"));
    if let Some(program) = program {
        command.arg(format!("program={}", program.display()));
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

define_windows_service!(service_entry, serve_manager);

/// The manager has started this process, and calls this on a thread of its own. What it passes are arguments of one start;
/// those that it was installed with are the program's.
fn serve_manager(_arguments: Vec<OsString>) {
    let args = Args::parse();
    let dir = args.data_dir.clone().unwrap_or_else(data_dir);
    let stop = CancellationToken::new();
    let told = stop.clone();
    let hear = move |control| match control {
        ServiceControl::Stop | ServiceControl::Shutdown => {
            told.cancel();
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    };
    // Nobody has started it as a service, or the manager is gone: there is nobody to tell.
    let Ok(manager) = service_control_handler::register(NAME, hear) else { return };
    let tell = |current_state, controls_accepted, exit_code| {
        let status = ServiceStatus {
            service_type: ServiceType::OWN_PROCESS,
            current_state,
            controls_accepted,
            exit_code,
            checkpoint: 0,
            wait_hint: Duration::default(),
            process_id: None,
        };
        let _the_manager_is_gone = manager.set_service_status(status);
    };
    let can = ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN;
    tell(ServiceState::Running, can, ServiceExitCode::Win32(0));
    let surroundings = Surroundings { log: log(&dir), ended: Some(stop) };
    let ran = track(&args, &dir, surroundings);
    let exit_code = match &ran {
        Ok(()) => ServiceExitCode::Win32(0),
        Err(_) => ServiceExitCode::ServiceSpecific(1),
    };
    if let Err(why) = ran {
        if !tracing::dispatcher::has_been_set() {
            begin_log(LogFormat::Text, log(&dir));
        }
        tracing::error!(%why, "the tracker has ended");
    }
    tell(ServiceState::Stopped, ServiceControlAccept::empty(), exit_code);
}

/// A file a day in the data folder; none where it cannot be written.
fn log(dir: &Path) -> Option<BoxMakeWriter> {
    let files = RollingFileAppender::builder().rotation(Rotation::DAILY).max_log_files(LOG_FILES_MAX);
    files.filename_prefix("tracker").filename_suffix("log").build(dir).map(BoxMakeWriter::new).ok()
}
