//! Accounts under faults: money is neither made nor lost.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use eventmodel::{Decide, Decision, RecordedEvent};
use support::savings::{
    Account, Accounts, Balance, Deposit, Deposited, Open, Opened, Total, Transfer, Visit, WELCOME,
    Withdraw, Withdrawals, Withdrawn, savings,
};
use support::seeds::{assert_all_happened, once, under_seeds};
use support::world::{Decisions, World, fold};
use tokio::task::JoinSet;

const ACCOUNTS: u32 = 4;
const BRANCHES: u32 = 2;
const CLIENTS: usize = 4;
const COMMANDS: usize = 10;

#[test]
fn money_is_neither_made_nor_lost() {
    let injected = under_seeds(250, story);
    println!("{injected:?}");
    if std::env::var_os("SEED").is_none() {
        assert_all_happened(injected);
    }
}

#[test]
fn a_seed_tells_the_same_story_again() {
    for seed in 0..24 {
        let (first, again) = (once(seed, story), once(seed, story));
        assert_eq!(first.injected(), again.injected(), "seed {seed}");
    }
}

async fn story(seed: u64) -> eventmodel_testing::FaultyStore {
    let world = World::start(savings, seed).await;
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(be_a_client(world.clone(), client));
    }
    while let Some(ended) = clients.join_next().await {
        ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    }
    let log = world.finish().await;
    world.check_commands(&log);
    check_money(&log);
    world.check_view::<Balance>(&log).await;
    world.check_view::<Accounts>(&log).await;
    world.check_view::<Total>(&log).await;
    world.store()
}

type Log = [RecordedEvent];

fn balance(log: &Log, account: u32) -> Balance {
    fold(log, &Account { account })
}

fn opening(command: &Open, log: &Log, _: &Log) -> Vec<Decision<Open>> {
    vec![command.decide(&balance(log, command.account))]
}

fn paying_in(command: &Deposit, log: &Log, _: &Log) -> Vec<Decision<Deposit>> {
    vec![command.decide(&balance(log, command.account))]
}

fn withdrawing(command: &Withdraw, log: &Log, _: &Log) -> Vec<Decision<Withdraw>> {
    let account = command.account;
    let withdrawals: Withdrawals = fold(log, &Account { account });
    vec![command.decide(&(withdrawals, balance(log, account)))]
}

fn moving(command: &Transfer, log: &Log, _: &Log) -> Vec<Decision<Transfer>> {
    vec![command.decide(&(balance(log, command.from), balance(log, command.to)))]
}

fn coming_in(command: &Visit, _: &Log, _: &Log) -> Vec<Decision<Visit>> {
    vec![command.decide(&())]
}

async fn be_a_client(world: Arc<World>, client: usize) {
    for n in 0..COMMANDS {
        let id = format!("c{client}-{n}");
        let account = world.below(ACCOUNTS);
        let to = world.below(ACCOUNTS);
        let branch = world.below(BRANCHES);
        let cents = u64::from(world.below(900));
        match world.below(8) {
            0 | 1 => send(&world, id, Open { account, branch }, opening).await,
            2 => send(&world, id, Visit { branch }, coming_in).await,
            3 => {
                let cents = if cents < 100 { 0 } else { cents };
                send(&world, id, Deposit { account, cents }, paying_in).await;
            }
            4 | 5 => send(&world, id, Withdraw { account, cents }, withdrawing).await,
            _ => {
                let from = account;
                send(&world, id, Transfer { from, to, cents }, moving).await;
            }
        }
    }
}

async fn send<C>(world: &World, id: String, command: C, decisions: Decisions<C>)
where
    C: Decide + Clone + Debug,
{
    let Some(receipt) = world.send(id, command, decisions).await else {
        return;
    };
    let Some(event) = receipt.events.first() else {
        return;
    };
    if let Ok(Deposited { account, .. }) = event.decode() {
        let account = Account { account: *account };
        let seen = world.view_after::<Balance>(&receipt, &account).await;
        assert!(seen.open);
    }
}

/// The rules of the bank, told once more and in another way.
fn check_money(log: &[RecordedEvent]) {
    let mut accounts: BTreeMap<u32, i64> = BTreeMap::new();
    let mut welcomed: BTreeMap<u32, u32> = BTreeMap::new();
    for event in log {
        if let Ok(Opened { account, .. }) = event.decode() {
            let before = accounts.insert(*account, 0);
            assert_eq!(before, None, "account {account} is opened once");
        } else if let Ok(Deposited { account, cents }) = event.decode() {
            let balance = accounts.get_mut(account).expect("it is open");
            *balance += i64::try_from(*cents).unwrap();
            if event.metadata().causation_id.is_some() {
                assert_eq!(*cents, WELCOME);
                *welcomed.entry(*account).or_default() += 1;
            }
        } else if let Ok(Withdrawn { account, cents }) = event.decode() {
            let balance = accounts.get_mut(account).expect("it is open");
            *balance -= i64::try_from(*cents).unwrap();
            assert!(*balance >= 0, "account {account} is below 0");
        }
    }
    for account in accounts.keys() {
        assert_eq!(welcomed.get(account), Some(&1), "account {account}");
    }
}
