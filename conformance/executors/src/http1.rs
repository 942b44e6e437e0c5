//! One exchange of HTTP/1.1 as bytes out and bytes in, without a socket. An answer is whole, or none.

use std::io::Read as _;

use flate2::read::GzDecoder;
use ureq_proto::BodyMode;
use ureq_proto::client::state::{RecvBody, RecvResponse};
use ureq_proto::client::{Call, RecvResponseResult, SendRequestResult};
use webex_oauth::{HttpRequest, HttpResponse, SendFault, TargetUri};

/// No head is longer, of a request or of an answer.
const MOST_HEAD: usize = 64 * 1024;
/// What is read in one go.
pub const PIECE: usize = 64 * 1024;

/// A request, and what came of it so far.
pub struct Exchange {
    request: Vec<u8>,
    /// What has come and is not read yet.
    input: Vec<u8>,
    stage: Stage,
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// The longest body that is read.
    most: usize,
}

enum Stage {
    Head(Call<RecvResponse>),
    Body(Call<RecvBody>),
    Whole,
}

/// The core's request, as a request of a caller.
pub fn of_core(request: &HttpRequest) -> Result<http::Request<Vec<u8>>, SendFault> {
    let mut builder = http::Request::builder().method(HttpRequest::METHOD).uri(request.url());
    for (name, value) in &request.headers {
        builder = builder.header(*name, value.expose());
    }
    builder.body(request.body.expose().as_bytes().to_vec()).map_err(|_| SendFault::NotSent)
}

impl Exchange {
    /// Fails where that cannot be sent: TLS goes in here, and without it nothing leaves this machine.
    pub fn new(request: http::Request<Vec<u8>>, target: &TargetUri, most: usize) -> Result<Self, SendFault> {
        if target.scheme() != "http" || !target.is_loopback() {
            return Err(SendFault::NotSent);
        }
        let (request, answer) = written(request).ok_or(SendFault::NotSent)?;
        let (headers, stage) = (Vec::new(), Stage::Head(answer));
        Ok(Self { request, input: Vec::new(), stage, status: 0, headers, body: Vec::new(), most })
    }

    /// The request, to be sent as it is, over a connection of its own.
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    /// Takes in what has come; nothing: no more will come. Answers what there is once it is whole.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Option<HttpResponse>, SendFault> {
        self.input.extend_from_slice(bytes);
        self.read_head()?;
        self.read_body()?;
        let is_over = bytes.is_empty();
        let is_whole = match &self.stage {
            Stage::Whole => true,
            Stage::Body(call) => call.can_proceed() && (is_over || call.body_mode() != BodyMode::CloseDelimited),
            Stage::Head(_) => false,
        };
        match (is_whole, is_over) {
            (true, _) => self.unpacked().map(Some),
            (false, true) => Err(SendFault::Lost),
            (false, false) => Ok(None),
        }
    }

    fn read_head(&mut self) -> Result<(), SendFault> {
        while let Stage::Head(call) = &mut self.stage {
            let (used, head) = call.try_response(&self.input, false).map_err(|_| SendFault::Lost)?;
            self.input.drain(..used);
            match head {
                Some(head) => {
                    self.status = head.status().as_u16();
                    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
                    self.headers = head.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
                    self.begin_body();
                }
                // 1xx goes before the answer.
                None if used > 0 => {}
                None if self.input.len() > MOST_HEAD => return Err(SendFault::Lost),
                None => return Ok(()),
            }
        }
        Ok(())
    }

    fn begin_body(&mut self) {
        let head = std::mem::replace(&mut self.stage, Stage::Whole);
        if let Stage::Head(call) = head
            && let Some(RecvResponseResult::RecvBody(body)) = call.proceed()
        {
            self.stage = Stage::Body(body);
        }
    }

    fn read_body(&mut self) -> Result<(), SendFault> {
        let Stage::Body(call) = &mut self.stage else { return Ok(()) };
        let mut piece = vec![0; PIECE];
        loop {
            let (used, got) = call.read(&self.input, &mut piece).map_err(|_| SendFault::Lost)?;
            self.input.drain(..used);
            self.body.extend_from_slice(piece.get(..got).unwrap_or_default());
            if self.body.len() > self.most {
                return Err(SendFault::TooLarge);
            }
            if (used, got) == (0, 0) {
                return Ok(());
            }
        }
    }

    fn unpacked(&mut self) -> Result<HttpResponse, SendFault> {
        let (status, headers) = (self.status, std::mem::take(&mut self.headers));
        let mut answer = HttpResponse { status, headers, body: std::mem::take(&mut self.body) };
        if answer.header("content-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("gzip")) {
            let most = u64::try_from(self.most).unwrap_or(u64::MAX).saturating_add(1);
            let mut body = Vec::new();
            let unpacked = GzDecoder::new(answer.body.as_slice()).take(most).read_to_end(&mut body);
            unpacked.map_err(|_| SendFault::Lost)?;
            answer.body = body;
        }
        if answer.body.len() > self.most { Err(SendFault::TooLarge) } else { Ok(answer) }
    }
}

/// The bytes of a request, and who reads its answer. `None` where HTTP cannot carry it.
fn written(request: http::Request<Vec<u8>>) -> Option<(Vec<u8>, Call<RecvResponse>)> {
    let (head, body) = request.into_parts();
    let has_body = !body.is_empty() || head.method == http::Method::POST;
    let mut call = Call::new(http::Request::from_parts(head, ())).ok()?;
    call.header("connection", "close").ok()?;
    if has_body {
        call.header("content-length", body.len().to_string()).ok()?;
        call.force_send_body();
    }
    let mut call = call.proceed();
    let mut bytes = vec![0; MOST_HEAD];
    let len = call.write(&mut bytes).ok()?;
    bytes.truncate(len);
    match call.proceed().ok()?? {
        SendRequestResult::RecvResponse(call) => Some((bytes, call)),
        SendRequestResult::SendBody(mut call) => {
            call.consume_direct_write(body.len()).ok()?;
            bytes.extend(body);
            Some((bytes, call.proceed()?))
        }
        SendRequestResult::Await100(_) => None,
    }
}
