//! Files to try the onboarding with: so many devices, and so many wrong lines among them.

use std::io::{self, Write};

use serde_json::json;

use super::Format;

/// What to generate.
#[derive(Clone, Copy, Debug)]
pub struct Fleet {
    /// How many devices, one a line.
    pub devices: u64,
    /// How many of the lines are wrong, each in another way than the one before. Not more than there are devices.
    pub wrong: u64,
    /// How many of the others have a firmware that is too old to join.
    pub outdated: u64,
    /// The same seed gives the same file.
    pub seed: u64,
}

/// How many ways to be wrong there are.
const WAYS: u64 = 7;

/// Writes the file.
///
/// # Errors
/// Those of `out`.
pub fn generate(fleet: &Fleet, format: Format, out: &mut impl Write) -> io::Result<()> {
    let mut random = Random(fleet.seed);
    if format == Format::Csv {
        writeln!(out, "deviceId,serial,mac,firmware")?;
    }
    let (mut wrong, mut right) = (0, 0);
    for number in 1..=fleet.devices {
        let mut device = device(number, &mut random);
        if is_chosen(number, fleet.wrong, fleet.devices) {
            out.write_all(&wrong_line(device, wrong % WAYS, format))?;
            out.write_all(b"\n")?;
            wrong += 1;
            continue;
        }
        right += 1;
        if is_chosen(
            right,
            fleet.outdated,
            fleet.devices.saturating_sub(fleet.wrong),
        ) {
            device.firmware = "1.9.3".into();
        }
        writeln!(out, "{}", line(&device, format))?;
    }
    Ok(())
}

/// The cells of a line.
#[derive(Debug)]
struct Device {
    id: String,
    serial: String,
    mac: String,
    firmware: String,
}

fn device(number: u64, random: &mut Random) -> Device {
    let [minor, patch, mac @ ..] = random.next().to_be_bytes();
    Device {
        id: format!("sensor-{number:06}"),
        serial: format!("SN-{:08X}", random.next() >> 32),
        mac: mac.map(|byte| format!("{byte:02x}")).join(":"),
        firmware: format!("2.{}.{}", minor % 10, patch % 10),
    }
}

/// Whether the `number`th of `all` is among `count` that are spread over them evenly.
fn is_chosen(number: u64, count: u64, all: u64) -> bool {
    let up_to = |number: u64| u128::from(number) * u128::from(count) / u128::from(all);
    up_to(number) > up_to(number - 1)
}

fn line(device: &Device, format: Format) -> String {
    let Device {
        id,
        serial,
        mac,
        firmware,
    } = device;
    match format {
        Format::Csv => format!("{id},{serial},{mac},{firmware}"),
        Format::Ndjson => {
            json!({"deviceId": id, "serial": serial, "mac": mac, "firmware": firmware}).to_string()
        }
    }
}

fn wrong_line(mut device: Device, way: u64, format: Format) -> Vec<u8> {
    match way {
        0 => device.id = device.id.replace('-', "."),
        1 => device.mac = "00-1b-44".into(),
        2 => device.firmware = "latest".into(),
        _ => {}
    }
    let text = line(&device, format);
    match (way, format) {
        (3, _) => latin_1(&text.replacen("SN-", "SÉ-", 1)),
        (4, Format::Csv) => text.replacen(',', ",\"", 1).into_bytes(),
        (5, Format::Csv) => text.replacen(',', "", 1).into_bytes(),
        (6, Format::Csv) => (text + ",?").into_bytes(),
        (4, Format::Ndjson) => text[..text.len() / 2].into(),
        (5, Format::Ndjson) => format!("[{text}]").into_bytes(),
        (6, Format::Ndjson) => br#"{"deviceId":17,"firmware":"2.0.0"}"#.into(),
        _ => text.into_bytes(),
    }
}

/// As a program writes it that does not know UTF-8.
fn latin_1(text: &str) -> Vec<u8> {
    text.chars()
        .filter_map(|letter| u8::try_from(letter).ok())
        .collect()
}

/// SplitMix64: short, and the same on every machine.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_chosen_as_asked_for() {
        for (count, all) in [(0, 10), (1, 10), (7, 1000), (10, 10), (3, 7)] {
            let chosen = (1..=all)
                .filter(|number| is_chosen(*number, count, all))
                .count();
            assert_eq!(chosen as u64, count, "{count} of {all}");
        }
    }

    #[test]
    fn a_seed_gives_one_file() {
        let file = |seed| {
            let mut out = Vec::new();
            let fleet = Fleet {
                devices: 50,
                wrong: 7,
                outdated: 3,
                seed,
            };
            generate(&fleet, Format::Ndjson, &mut out).unwrap();
            out
        };
        assert_eq!(file(1), file(1));
        assert_ne!(file(1), file(2));
    }
}
