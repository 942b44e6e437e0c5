//! What every command takes.

use std::path::PathBuf;

use clap::{Args, Command, ValueEnum};

/// The settings are listed where they are asked for, not in the help of every command.
const SETTINGS: &str = "Settings";

/// All arguments, with nothing left out of their help.
pub(crate) fn with_settings(command: Command) -> Command {
    command.mut_args(|arg| if arg.get_help_heading() == Some(SETTINGS) { arg.hide(false) } else { arg })
}

/// A command whose help is that of the settings alone.
pub(crate) fn settings_alone(command: &Command) -> Command {
    let settings = command.get_arguments().filter(|arg| arg.get_help_heading() == Some(SETTINGS));
    let settings = settings.map(|arg| arg.clone().hide(false));
    let about = "Settings, which every command takes. webex-oauth setup writes them into the configuration file.";
    Command::new("webex-oauth").about(about).args(settings).disable_help_flag(true)
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Which account: each profile has its own tokens [default: default]
    #[arg(short, long, global = true, value_name = "NAME", help_heading = SETTINGS, hide = true)]
    pub(crate) profile: Option<String>,

    /// The configuration file
    #[arg(long, global = true, value_name = "FILE", help_heading = SETTINGS, hide = true)]
    pub(crate) config: Option<PathBuf>,

    /// The server: webex, fedramp, idbroker, or the base URL of one with Webex's paths
    #[arg(long, global = true, value_name = "SERVER", help_heading = SETTINGS, hide = true)]
    pub(crate) server: Option<String>,

    /// The issuer of any other server, which publishes its metadata (RFC 8414, OpenID Connect Discovery)
    #[arg(long, global = true, value_name = "URL", help_heading = SETTINGS, hide = true, conflicts_with = "server")]
    pub(crate) issuer: Option<String>,

    /// The metadata of a server as a file, where it publishes none
    #[arg(long, global = true, value_name = "FILE", help_heading = SETTINGS, hide = true, conflicts_with = "server")]
    pub(crate) metadata: Option<PathBuf>,

    /// How the client proves who it is: client_secret_basic, client_secret_post, basic_raw, none for a public client
    #[arg(long, global = true, value_name = "METHOD", help_heading = SETTINGS, hide = true)]
    pub(crate) client_auth: Option<String>,

    /// Further hosts that get the access token, separated by commas: api.example.com, *.example.org
    #[arg(long, global = true, value_name = "HOSTS", help_heading = SETTINGS, hide = true)]
    pub(crate) token_hosts: Option<String>,

    /// For which API tokens are asked (RFC 8707): absolute URIs, in quotes and separated by spaces
    #[arg(long, global = true, value_name = "URIS", help_heading = SETTINGS, hide = true)]
    pub(crate) resource: Option<String>,

    /// The authorization URL that the developer portal shows: client id, redirect URI, scope and server in one
    #[arg(long, global = true, value_name = "URL", help_heading = SETTINGS, hide = true)]
    pub(crate) authorization_url: Option<String>,

    /// The client id of the integration
    #[arg(long, global = true, value_name = "ID", help_heading = SETTINGS, hide = true)]
    pub(crate) client_id: Option<String>,

    /// A file with the client secret, - for standard input; there is no flag for the secret itself because others see it
    #[arg(long, global = true, value_name = "FILE", help_heading = SETTINGS, hide = true)]
    pub(crate) client_secret_file: Option<PathBuf>,

    /// The redirect URI as it is registered, http on loopback
    #[arg(long, global = true, value_name = "URI", help_heading = SETTINGS, hide = true)]
    pub(crate) redirect_uri: Option<String>,

    /// What to ask for, in quotes and separated by spaces
    #[arg(long, global = true, value_name = "SCOPE", help_heading = SETTINGS, hide = true)]
    pub(crate) scope: Option<String>,

    /// Where the tokens are kept: auto, keyring, file [default: auto, the key ring where there is one]; for fleet the URL of a database
    #[arg(long, global = true, value_name = "STORE", help_heading = SETTINGS, hide = true)]
    pub(crate) store: Option<String>,

    /// Encrypt the tokens where they are kept, with the keys in this file, which webex-oauth key new makes
    #[arg(long, global = true, value_name = "FILE", help_heading = SETTINGS, hide = true)]
    pub(crate) key_file: Option<PathBuf>,

    /// Print the settings that every command takes: server, client, scope, store
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) help_settings: bool,

    /// Write down what happens, without secrets, for `replay` and for bug reports
    #[arg(long, global = true, value_name = "FILE", help_heading = "Output")]
    pub(crate) record: Option<PathBuf>,

    /// Say nothing but the result, problems, and what you have to do
    #[arg(short, long, global = true, help_heading = "Output")]
    pub(crate) quiet: bool,

    /// Whether to use colours [default: auto, on a terminal and without NO_COLOR]
    #[arg(long, global = true, value_name = "WHEN", help_heading = "Output")]
    pub(crate) color: Option<ColorWhen>,
}

/// Where tokens are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StoreKind {
    /// The key ring where there is one, else a file
    Auto,
    /// The key ring of the operating system
    Keyring,
    /// A file that only you can read
    File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    Auto,
    Always,
    Never,
}
