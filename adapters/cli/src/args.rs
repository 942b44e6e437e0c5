//! The command line.

mod global;
mod service;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
pub(crate) use global::{ColorWhen, Global, StoreKind, settings_alone, with_settings};
#[cfg(feature = "fleet")]
pub(crate) use service::FleetArgs;
pub(crate) use service::{KeyArgs, KeyCommand};

use crate::words;

const EXAMPLES: &str = "\
Examples:
  Sign in once, then use the token in scripts:
    $ webex-oauth login
    $ curl -H \"Authorization: Bearer $(webex-oauth token)\" https://webexapis.com/v1/people/me

  On a machine without a browser:
    $ webex-oauth login --device

  At another server, which publishes its metadata:
    $ webex-oauth --issuer https://auth.example.com --client-id ID --client-auth none login

  With a second account:
    $ webex-oauth --profile work login
    $ webex-oauth --profile work whoami

  To try it out without an account, in two terminals:
    $ webex-oauth simulator

Settings come from these flags, then from variables, then from the configuration file:
  WEBEX_CLIENT_ID, WEBEX_CLIENT_SECRET, WEBEX_REDIRECT_URI, WEBEX_SCOPE,
  WEBEX_AUTHORIZATION_STRING, WEBEX_SERVER, WEBEX_ISSUER, WEBEX_METADATA,
  WEBEX_CLIENT_AUTH, WEBEX_TOKEN_HOSTS, WEBEX_RESOURCE, WEBEX_PROFILE,
  WEBEX_STORE, WEBEX_SESSION_FILE, WEBEX_KEY_FILE, WEBEX_CONFIG
WEBEX_SESSION_FILE goes before WEBEX_PROFILE, and --profile and --store before both.

Exit status:
  0  done
  1  something else went wrong
  2  the command line cannot be understood
  3  a setting is missing or wrong, or the server does not accept the client
  4  sign in first
  5  the sign-in did not come to its end: declined, timed out
  6  the network or the server fails: try again later
  7  the tokens cannot be read or stored
  8  a replay came out differently from what was recorded
  130  interrupted";

/// Sign in to Webex from a terminal, and get access tokens for scripts.
///
/// Signs in through the browser, on another device or as a guest, keeps the tokens in the key ring of the operating
/// system, and refreshes them when they are due. Any number of processes may ask for a token at the same time.
#[derive(Debug, Parser)]
#[command(name = "webex-oauth", version, after_long_help = EXAMPLES, disable_help_subcommand = true)]
#[command(after_help = "Use --help for examples, variables and exit status.", max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    #[command(flatten)]
    pub(crate) global: Global,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sign in
    #[command(after_help = "\
Examples:
  $ webex-oauth login                                      opens the browser and waits
  $ webex-oauth login --device                             shows a code and a QR code for another device
  $ webex-oauth login --paste                              you copy two addresses
  $ webex-oauth login --scope \"spark:people_read\"")]
    Login(LoginArgs),

    /// Print a valid access token and nothing else
    #[command(after_help = "\
Refreshes when that is due; several processes that ask at the same time cause one refresh.

Example:
  $ curl -H \"$(webex-oauth token --header)\" https://webexapis.com/v1/people/me")]
    Token(TokenArgs),

    /// Ask the server who is signed in
    Whoami(JsonArgs),

    /// Print where the services of the server are, by its catalog
    #[command(after_help = "\
The answer is remembered for a day.

Example:
  $ curl -H \"Authorization: Bearer $(webex-oauth token)\" \"$(webex-oauth services hydra)/people/me\"")]
    Services(ServicesArgs),

    /// Show scopes, expiries and when to sign in again, without asking anybody
    Status(JsonArgs),

    /// Ask for the settings of a profile and write them into the configuration file
    #[command(after_help = "\
An empty answer leaves a setting as it is. Other settings and comments of the file stay.

Example:
  $ webex-oauth setup
  $ webex-oauth --profile work setup")]
    Setup,

    /// List the profiles, or choose the default one
    #[command(after_help = "\
Examples:
  $ webex-oauth profiles
  $ webex-oauth profiles --set-default work")]
    Profiles(ProfilesArgs),

    /// Get new tokens now, whatever the clock says
    Refresh,

    /// Sign in as a guest
    #[command(after_help = "\
Examples:
  $ WEBEX_GUEST_ISSUER_SECRET=... webex-oauth guest --guest-issuer Y2lz... --name \"Ada Lovelace\" --subject ada
  $ my-backend make-jwt | webex-oauth guest --jwt-file -
  $ webex-oauth -p service-app token | webex-oauth guest --service-token-file - --subject ada --name Ada")]
    Guest(GuestArgs),

    /// Sign in as the client itself
    ClientCredentials,

    /// Print a token of the signed-in user with less scope, and nothing else
    #[command(after_help = "\
Example:
  $ webex-oauth user-token \"spark:people_read\"")]
    UserToken {
        /// The scope: a part of what was granted, in quotes and separated by spaces
        #[arg(value_name = "SCOPE")]
        user_scope: String,
    },

    /// Take the tokens back at the server and forget them here; the exit status says whether the server did it
    Revoke,

    /// Forget the tokens here, and take them back at the server where that is possible
    Logout(LogoutArgs),

    /// Make keys that tokens are encrypted with where they are kept
    #[command(after_help = "\
Examples:
  $ webex-oauth key new ~/.webex-oauth.key
  $ export WEBEX_KEY_FILE=~/.webex-oauth.key
  $ webex-oauth login

To change the key, without signing in again:
  $ webex-oauth key add ~/.webex-oauth.key
  $ webex-oauth reseal")]
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },

    /// Encrypt what is stored with the first key of the key file
    #[command(after_help = "\
Opens what another key of the file has sealed. What a profile has stored is encrypted where it is not yet; of a database that
is so with --and-plain alone: whoever can write there could bring in a session of his own like that.")]
    Reseal(ResealArgs),

    /// Renew the sessions of a database before they end, until SIGTERM or SIGINT
    #[cfg(feature = "fleet")]
    #[command(after_help = "\
Any number of workers may run on one database, beside the users' own clients. A worker that is asked to stop finishes what is
under way and ends with 0. The URL may stand in WEBEX_STORE, where other users of the machine do not see it.

Examples:
  $ webex-oauth --store postgres://app@db.example/sessions --key-file keys fleet --metrics 9464
  $ webex-oauth --store sqlite:sessions.db fleet --once")]
    Fleet(FleetArgs),

    /// Play a recorded file again and show each step
    #[command(after_help = "\
Needs no network, no settings and no secrets. Exit status 8 where a step comes out differently.

Example:
  $ webex-oauth --record login.jsonl login
  $ webex-oauth replay login.jsonl")]
    Replay {
        /// What `--record` wrote, - for standard input
        file: PathBuf,
        /// Show only the steps that come out differently
        #[arg(long)]
        differences: bool,
    },

    /// Start a Webex-like server on this machine
    #[command(after_help = "\
It prints the lines to copy into another terminal. There:
  $ webex-oauth login && webex-oauth whoami

With --auto-accept nobody has to click, which is what scripts want.")]
    Simulator(SimulatorArgs),

    /// Print the completions of a shell
    #[command(after_help = "\
Example:
  $ webex-oauth completions bash > ~/.local/share/bash-completion/completions/webex-oauth")]
    Completions {
        /// Which shell
        shell: Shell,
    },

    /// Print the manual page, or write the pages of all commands into a folder
    #[command(after_help = "\
Example:
  $ webex-oauth man | man -l -")]
    Man {
        /// Write webex-oauth.1, webex-oauth-login.1 and so on here
        #[arg(value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// Confirm on another device: shows a code and a QR code
    #[arg(long, conflicts_with = "paste")]
    pub(crate) device: bool,

    /// Copy the addresses by hand, where no browser can reach this machine
    #[arg(long)]
    pub(crate) paste: bool,

    /// Show the address instead of opening the browser
    #[arg(long, conflicts_with_all = ["device", "paste"])]
    pub(crate) no_browser: bool,

    /// Take over tokens from a file, - for standard input: a bot's token, or JSON with access_token and refresh_token
    #[arg(long, value_name = "FILE", conflicts_with_all = ["device", "paste", "no_browser", "email", "select_account"])]
    pub(crate) token_file: Option<PathBuf>,

    /// Whom the server should expect
    #[arg(long, value_name = "EMAIL", conflicts_with = "device")]
    pub(crate) email: Option<String>,

    /// Ask who you are even if the browser remembers
    #[arg(long, conflicts_with = "device")]
    pub(crate) select_account: bool,

    /// How long to wait for you: 90s, 10m, an hour at most; --device has the time of its code
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = words::parse_patience)]
    pub(crate) timeout: std::time::Duration,
}

#[derive(Debug, Args)]
pub(crate) struct ResealArgs {
    /// Of a database: encrypt what is not encrypted yet, once, when a service begins to encrypt
    #[arg(long)]
    pub(crate) and_plain: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LogoutArgs {
    /// End the session in the browser as well
    #[arg(long)]
    pub(crate) browser: bool,

    /// Leave the tokens valid at the server, that of --browser included
    #[arg(long)]
    pub(crate) keep_tokens: bool,

    /// Delete what is stored, readable or not, and without asking the server
    #[arg(long, conflicts_with_all = ["browser", "keep_tokens"])]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct JsonArgs {
    /// One line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// One line of JSON, with the instant when it ends and its scopes
    #[arg(long, conflicts_with = "header")]
    pub(crate) json: bool,

    /// As a header: Authorization: Bearer ...
    #[arg(long)]
    pub(crate) header: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ProfilesArgs {
    /// Make this one the profile of commands that name none
    #[arg(long, value_name = "NAME", conflicts_with = "json")]
    pub(crate) set_default: Option<String>,

    /// One line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ServicesArgs {
    /// Only the address of this one
    #[arg(conflicts_with = "json")]
    pub(crate) name: Option<String>,

    /// One line of JSON: addresses by name
    #[arg(long)]
    pub(crate) json: bool,

    /// Ask the server, whatever is remembered
    #[arg(long)]
    pub(crate) refresh: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GuestArgs {
    /// The id of the guest issuer; its secret is in WEBEX_GUEST_ISSUER_SECRET or --guest-issuer-secret-file
    #[arg(long, value_name = "ID", conflicts_with_all = ["jwt_file", "service_token_file"])]
    pub(crate) guest_issuer: Option<String>,

    /// A file with the guest issuer's secret, - for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["jwt_file", "service_token_file"])]
    pub(crate) guest_issuer_secret_file: Option<PathBuf>,

    /// A file with a guest JWT, - for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["service_token_file", "name", "subject", "lifetime"])]
    pub(crate) jwt_file: Option<PathBuf>,

    /// A file with the access token of a Service App, - for standard input
    #[arg(long, value_name = "FILE", requires = "subject", conflicts_with = "lifetime")]
    pub(crate) service_token_file: Option<PathBuf>,

    /// The name that other people see
    #[arg(long)]
    pub(crate) name: Option<String>,

    /// The guest's own identifier: the same subject is the same guest
    #[arg(long)]
    pub(crate) subject: Option<String>,

    /// How long the guest may stay: 90m, 12h [default: 6h]
    #[arg(long, value_name = "TIME")]
    pub(crate) lifetime: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SimulatorArgs {
    /// The port to listen on [default: a free one]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,

    /// Accept every request for authorization at once, without a page
    #[arg(long, conflicts_with = "auto_decline")]
    pub(crate) auto_accept: bool,

    /// Decline every request for authorization at once, without a page
    #[arg(long)]
    pub(crate) auto_decline: bool,

    /// The life of access tokens: 90s, 15m, 12h, 14d
    #[arg(long, value_name = "TIME", value_parser = words::parse_duration)]
    pub(crate) access_lifetime: Option<std::time::Duration>,

    /// The life of refresh tokens
    #[arg(long, value_name = "TIME", value_parser = words::parse_duration)]
    pub(crate) refresh_lifetime: Option<std::time::Duration>,

    /// Answer a new refresh token to each refresh
    #[arg(long)]
    pub(crate) rotate: bool,
}
