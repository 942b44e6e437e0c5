//! What the browser shows at the end of a login. No script, nothing from elsewhere, nothing of the callback.

/// The page that ends a login.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Page {
    /// Signed in.
    SignedIn,
    /// Signed in, and the store does not take the tokens.
    NotStored,
    /// The user declined.
    Declined,
    /// It did not work out.
    Failed {
        /// For people; escaped on the page.
        problem: String,
    },
    /// A request that does not belong to the login, which still waits.
    NotOurs {
        /// For people; escaped on the page.
        problem: String,
    },
}

const STYLE: &str = "body{font:17px/1.5 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;\
place-items:center;background:#f4f6f8;color:#1b2733}main{max-width:26rem;margin:1rem;padding:2.2rem 2.4rem;\
background:#fff;border-radius:14px;box-shadow:0 8px 30px #0b1f3322}h1{font-size:1.45rem;margin:0 0 .6rem}p{margin:0;\
overflow-wrap:anywhere}.mark{width:2.6rem;height:2.6rem;border-radius:50%;display:grid;place-items:center;\
font-size:1.4rem;color:#fff;background:#0a7d4f;margin-bottom:1rem}.no .mark{background:#b3541e}\
@media(prefers-color-scheme:dark){body{background:#11181f;color:#e4ebf1}main{background:#1b252f}}";
/// SHA-256 of [`STYLE`], base64: the only style that the policy lets pass. A test keeps it true.
const STYLE_HASH: &str = "PP9TeLr8Iq8fhh3P/vuv0BbLul969xDSajNdXK//bic=";

pub(super) fn html(page: &Page) -> Vec<u8> {
    let (status, class, mark, title, text) = match page {
        Page::SignedIn => ("200 OK", "", "✓", "You are signed in", "You can close this window and go back.".to_owned()),
        Page::NotStored => {
            let text =
                "The tokens came and could not be stored. The program that opened this page says what becomes of them.";
            ("200 OK", "no", "!", "Your sign-in was not kept", text.to_owned())
        }
        Page::Declined => {
            let text = "Nothing was granted. You can close this window, or go back and try again.";
            ("200 OK", "no", "–", "You declined", text.to_owned())
        }
        Page::Failed { problem } => ("200 OK", "no", "!", "Signing in did not work", escape(problem)),
        Page::NotOurs { problem } => ("400 Bad Request", "no", "?", "Nothing to do here", escape(problem)),
    };
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><style>{STYLE}</style></head>\
         <body class=\"{class}\"><main><div class=\"mark\" aria-hidden=\"true\">{mark}</div><h1>{title}</h1>\
         <p>{text}</p></main></body></html>"
    );
    respond(status, "text/html; charset=utf-8", &html)
}

pub(super) fn not_found() -> Vec<u8> {
    respond("404 Not Found", "text/plain", "Not found\n")
}

pub(super) fn bad_request() -> Vec<u8> {
    respond("400 Bad Request", "text/plain", "Bad request\n")
}

/// For a browser that asks ahead: it asks again when its user gets there.
pub(super) fn nothing() -> Vec<u8> {
    b"HTTP/1.1 204 No Content\r\nconnection: close\r\ncache-control: no-store\r\n\r\n".to_vec()
}

fn respond(status: &str, kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\nx-content-type-options: nosniff\r\n\
         content-security-policy: default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'\r\n\r\n{body}"
    )
    .into_bytes()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use sha2::Digest as _;

    use super::*;

    #[test]
    fn the_policy_lets_our_style_pass() {
        let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(STYLE));
        assert_eq!(hash, STYLE_HASH);
    }

    #[test]
    fn a_problem_cannot_write_html() {
        assert_eq!(escape("<b a=\"1\">&"), "&lt;b a=&quot;1&quot;&gt;&amp;");
    }
}
