//! What is put under load: one process, or a cluster whose nodes die and come back.

use std::time::Duration;

use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Simulator};

use crate::processes::Cluster;
use crate::single::App;

/// So long a node is away.
const AWAY: Duration = Duration::from_secs(2);

pub(crate) enum UnderTest {
    Single(App),
    Cluster(Box<Cluster>),
}

impl UnderTest {
    /// A cluster where `CLUSTER` is set, on the database at `DATABASE_URL`.
    pub(crate) fn start(simulator: &Simulator) -> (Self, u16) {
        let is_cluster = std::env::var("CLUSTER").is_ok_and(|text| !text.is_empty() && text != "0");
        if is_cluster {
            let database = std::env::var("DATABASE_URL").expect("scripts/load sets DATABASE_URL");
            let client = vec![
                ("CLIENT_ID", CLIENT_ID.to_owned()),
                ("CLIENT_SECRET", CLIENT_SECRET.to_owned()),
                ("PROVIDER_URL", simulator.base_url().to_owned()),
            ];
            let cluster = Cluster::start(database, None, client);
            let port = cluster.port;
            return (Self::Cluster(Box::new(cluster)), port);
        }
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = free.expect("a port").port();
        (Self::Single(App::start(simulator, port)), port)
    }

    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// Lets the time pass: its memory, second by second, or how many nodes were killed meanwhile.
    pub(crate) async fn pass(&mut self, length: Duration, kills: usize) -> Vec<u64> {
        let mut memory = Vec::new();
        match self {
            Self::Single(app) => {
                let begun = std::time::Instant::now();
                while begun.elapsed() < length {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    memory.extend(app.memory());
                }
            }
            Self::Cluster(cluster) => {
                let pause = length.saturating_sub(AWAY * kills as u32) / (kills as u32 + 1);
                for number in 0..kills {
                    tokio::time::sleep(pause).await;
                    cluster.kill(number);
                    if number % 2 == 1 {
                        cluster.replace_worker(number / 2);
                    }
                    tokio::time::sleep(AWAY).await;
                    cluster.start_again(number);
                }
                tokio::time::sleep(pause).await;
                println!("{kills} times a node was killed (kill -9) and started again, every other time a worker");
            }
        }
        memory
    }

    /// What ended although nobody has killed it.
    pub(crate) fn fallen(&mut self) -> Vec<String> {
        match self {
            Self::Single(_) => Vec::new(),
            Self::Cluster(cluster) => cluster.fallen(),
        }
    }
}
