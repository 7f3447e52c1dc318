//! Ports that stay a server's own while it is down.
//!
//! A port from the system ("port 0") may be given to somebody else between two runs of a server, or a client that
//! connects to it again and again may be given it as its own. So ports come from below the ranges that systems hand out,
//! and are claimed by the UDP socket of the same number: no nats-server needs it, every other harness on the machine sees
//! the claim, and it ends with the process, however that ends.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};

use crate::error::Error;

const FIRST: u16 = 15_000;
const COUNT: u16 = 15_000;

#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    _claim: UdpSocket,
}

impl Port {
    pub(crate) fn claim() -> Result<Self, Error> {
        // Somewhere else for each call, so that harnesses seldom try the same.
        let start = RandomState::new().hash_one(0) % u64::from(COUNT);
        let start = u16::try_from(start).unwrap_or(0);
        (0..COUNT)
            .map(|step| FIRST + (start + step) % COUNT)
            .find_map(|number| {
                let claim = UdpSocket::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
                TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
                Some(Self {
                    number,
                    _claim: claim,
                })
            })
            .ok_or(Error::NoPort)
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}
