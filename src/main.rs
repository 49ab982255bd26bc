use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::sync::Arc;

use jicofo::cli::{self, Command, Invocation};
use jicofo::config::{self, Loaded, Problem, Severity, Sources};
use jicofo::logging;

/// BSD's EX_CONFIG; systemd units can tell it from a crash (spec/80 §7).
const WRONG_CONFIGURATION: u8 = 78;

fn main() -> ExitCode {
    // Text that is no UTF-8 cannot be a name or a value of ours.
    let arguments: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let (environment, unreadable) = environment();
    let given = cli::with_environment_file(arguments.clone(), environment.clone());
    let (mut invocation, mut wrong) = match given {
        Ok(given) => {
            let mut invocation = cli::parse(given.arguments, given.environment);
            invocation.warnings.splice(0..0, given.warnings);
            (invocation, Vec::new())
        }
        Err(wrong) => (cli::parse(arguments, environment), wrong),
    };
    invocation.sources.unreadable = unreadable;
    invocation.sources.in_container = is_container(&invocation.sources.environment);
    wrong.extend(invocation.mistake.take());
    if !wrong.is_empty() {
        if let Command::CheckConfig { json: true } = invocation.command {
            return check_config(&invocation, true, wrong);
        }
        eprintln!("{}", wrong.join("\n"));
        return ExitCode::from(WRONG_CONFIGURATION);
    }
    match invocation.command {
        Command::Help => print(&cli::usage()),
        Command::Version => print(concat!("jicofo ", env!("CARGO_PKG_VERSION"), "\n")),
        Command::ExplainAuth => explain_auth(&invocation),
        Command::ConfigDocs => print(&config::docs::page()),
        Command::CheckConfig { json } => check_config(&invocation, json, Vec::new()),
        Command::Migrate { format } => migrate(&invocation, format),
        Command::Run => run(invocation),
    }
}

/// Variables that are text, and the names of those that are not.
fn environment() -> (BTreeMap<String, String>, BTreeSet<String>) {
    let (mut text, mut unreadable) = (BTreeMap::new(), BTreeSet::new());
    for (name, value) in std::env::vars_os() {
        match (name.into_string(), value.into_string()) {
            (Ok(name), Ok(value)) => drop(text.insert(name, value)),
            (Ok(name), Err(_)) => drop(unreadable.insert(name)),
            (Err(name), _) => drop(unreadable.insert(name.to_string_lossy().into_owned())),
        }
    }
    (text, unreadable)
}

/// What docker, podman, systemd-nspawn and Kubernetes leave for whoever wants to know.
fn is_container(environment: &BTreeMap<String, String>) -> bool {
    let marks = ["/.dockerenv", "/run/.containerenv"];
    marks.iter().any(|mark| std::path::Path::new(mark).exists())
        || ["container", "KUBERNETES_SERVICE_HOST"].iter().any(|name| environment.contains_key(*name))
}

/// A reader that goes away early (`| head`) is no failure.
fn print(text: &str) -> ExitCode {
    use std::io::Write;
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            eprintln!("the standard output cannot be written ({error})");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Whatever is wrong, and be it the arguments: with `--format json` it is JSON.
fn check_config(invocation: &Invocation, json: bool, wrong_arguments: Vec<String>) -> ExitCode {
    let mut loaded = config::load(&invocation.sources);
    let style = style(&loaded, &invocation.sources);
    let warnings = invocation.warnings.iter().map(Problem::warning);
    loaded.problems.splice(0..0, wrong_arguments.into_iter().map(Problem::error).chain(warnings));
    loaded.problems.extend(style.problems().iter().cloned());
    if json {
        print(&format!("{:#}\n", config::report::json(&loaded)));
    } else {
        let mut text = String::new();
        for problem in &loaded.problems {
            text.push_str(&format!("{problem} [{}]\n", problem.severity.word()));
        }
        let read = config::report::summary(&loaded);
        for line in read.iter().chain(style.remarks()).filter(|_| loaded.complete) {
            text.push_str(&format!("# {line}\n"));
        }
        if loaded.complete {
            text.push_str(&config::report::effective(&loaded));
        }
        print(&text);
    }
    match loaded.refuses() {
        true => ExitCode::from(WRONG_CONFIGURATION),
        false => ExitCode::SUCCESS,
    }
}

/// As a start would read it, and as a running focus would decide.
fn explain_auth(invocation: &Invocation) -> ExitCode {
    let loaded = config::load(&invocation.sources);
    for warning in &invocation.warnings {
        eprintln!("{warning} [warning]");
    }
    if loaded.refuses() {
        for problem in &loaded.problems {
            eprintln!("{problem} [{}]", problem.severity.word());
        }
        return ExitCode::from(WRONG_CONFIGURATION);
    }
    match jicofo::focus::auth::explain::explain(&loaded.config, &invocation.hypothesis) {
        Ok(text) => print(&text),
        Err(wrong) => {
            eprintln!("{wrong}");
            ExitCode::FAILURE
        }
    }
}

/// The file on standard output, or in a new file; what is wrong with it on standard error.
fn migrate(invocation: &Invocation, format: config::migrate::Format) -> ExitCode {
    let loaded = config::load(&invocation.sources);
    for warning in &invocation.warnings {
        eprintln!("{warning} [warning]");
    }
    for problem in &loaded.problems {
        eprintln!("{problem} [{}]", problem.severity.word());
    }
    // What is refused here might not be refused of a file that leaves it out.
    if !loaded.complete || loaded.refuses() {
        eprintln!("nothing is written: correct the errors first");
        return ExitCode::from(WRONG_CONFIGURATION);
    }
    let text = config::migrate::file(&loaded, format);
    match &invocation.output {
        None => print(&text),
        Some(path) => match write_new(path, &text) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{} cannot be written ({error}); name a new file in a folder of yours", path.display());
                ExitCode::FAILURE
            }
        },
    }
}

/// There are secrets in it, and a file that is there may be somebody's only copy.
fn write_new(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

fn run(invocation: Invocation) -> ExitCode {
    let loaded = config::load(&invocation.sources);
    let style = style(&loaded, &invocation.sources);
    let said = logging::start(&style);
    log::info!("Starting Jicofo {}.", env!("CARGO_PKG_VERSION"));
    for line in &said {
        log::info!("{line}");
    }
    for warning in &invocation.warnings {
        log::warn!("{warning}");
    }
    for problem in loaded.problems.iter().chain(style.problems()) {
        report(problem);
    }
    if loaded.refuses() {
        log::error!(
            "Failed to start jicofo: the configuration is wrong (see above); `jicofo check-config` shows all of it."
        );
        return ExitCode::from(WRONG_CONFIGURATION);
    }
    start(loaded, invocation.sources)
}

fn style(loaded: &Loaded, sources: &Sources) -> logging::Style {
    let properties = sources.system.get("java.util.logging.config.file");
    logging::Style::new(&loaded.config.logging, properties, &sources.environment)
}

/// SIGHUP: of what may have changed only that about logs counts (spec/80 §7).
fn log_anew(sources: &Sources) {
    log::info!("Caught signal SIGHUP: log files are opened anew, levels are read anew");
    let loaded = config::load(sources);
    let said = match loaded.refuses() {
        false => {
            let style = style(&loaded, sources);
            let said = logging::start(&style);
            style.problems().iter().for_each(report);
            said
        }
        true => {
            log::error!("The configuration is wrong by now: levels stay as they are; `jicofo check-config` shows why");
            logging::reopen()
        }
    };
    for line in said {
        log::info!("{line}");
    }
}

fn report(problem: &Problem) {
    match problem.severity {
        Severity::Error => log::error!("{problem}"),
        Severity::Warning => log::warn!("{problem}"),
    }
}

fn start(loaded: Loaded, sources: Sources) -> ExitCode {
    for line in config::report::summary(&loaded) {
        log::info!("{line}");
    }
    jicofo::server::run(Arc::new(loaded.config), || log_anew(&sources))
}
