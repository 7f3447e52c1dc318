//! Tells one build of the program from another, by the bytes of the executable.

use std::sync::OnceLock;

/// A hash of the running executable, read once; `None` if it is not certain which file that is.
pub(super) async fn fingerprint() -> Option<u64> {
    static FINGERPRINT: OnceLock<Option<u64>> = OnceLock::new();
    if let Some(known) = FINGERPRINT.get() {
        return *known;
    }
    let read = tokio::task::spawn_blocking(|| *FINGERPRINT.get_or_init(read));
    read.await.ok().flatten()
}

#[cfg(target_os = "linux")]
fn read() -> Option<u64> {
    use std::fs::File;
    use std::io;

    use xxhash_rust::xxh3::Xxh3;

    // This path leads to the running file, even after another file has taken its place.
    const EXECUTABLE: &str = "/proc/self/exe";

    let executable = std::fs::read_link(EXECUTABLE).ok()?;
    // In a library that another program has loaded, a change of the code does not change the executable.
    let here = read as *const () as usize;
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    if file_of(here, &maps)? != executable.to_str()? {
        return None;
    }
    let mut hash = Xxh3::new();
    io::copy(&mut File::open(EXECUTABLE).ok()?, &mut hash).ok()?;
    Some(hash.digest())
}

#[cfg(not(target_os = "linux"))]
fn read() -> Option<u64> {
    None
}

/// The file that is mapped at an address: `55d0..-55d1.. r-xp 00001000 fd:01 42   /usr/bin/hotel`.
#[cfg(target_os = "linux")]
fn file_of(address: usize, maps: &str) -> Option<&str> {
    let line = maps.lines().find(|line| {
        let range = line
            .split(' ')
            .next()
            .and_then(|range| range.split_once('-'));
        let number = |text| usize::from_str_radix(text, 16);
        matches!(
            range.map(|(from, to)| (number(from), number(to))),
            Some((Ok(from), Ok(to))) if (from..to).contains(&address)
        )
    })?;
    line.find('/').map(|path| &line[path..])
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    #[tokio::test]
    async fn the_executable_is_the_one_that_runs() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(fingerprint().await, Some(xxh3_64(&program)));
        assert_eq!(fingerprint().await, Some(xxh3_64(&program)));
    }

    #[test]
    fn code_is_found_in_the_file_that_it_was_loaded_from() {
        let maps = "\
            1000-2000 r--p 00000000 fd:01 42   /usr/bin/python3\n\
            2000-3000 r-xp 00001000 fd:01 42   /usr/bin/python3\n\
            7f0000-7f1000 r-xp 00000000 fd:01 43   /opt/my hotel.so (deleted)\n\
            7ff000-7ff800 r-xp 00000000 00:00 0   [vdso]\n";
        assert_eq!(file_of(0x2fff, maps), Some("/usr/bin/python3"));
        assert_eq!(file_of(0x7f_0000, maps), Some("/opt/my hotel.so (deleted)"));
        assert_eq!(file_of(0x7f_f000, maps), None);
        assert_eq!(file_of(0x3000, maps), None);
    }
}
