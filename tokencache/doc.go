// Package tokencache is a persistent, encrypted store, shared by processes, behind the token cache of the Microsoft
// Authentication Library (MSAL).
//
//	store, err := tokencache.Open(dir, tokencache.First(
//		tokencache.Credential("calwatch.key"),
//		tokencache.KeyFile("/home/alex/.config/calwatch/key"),
//	))
//	...
//	client, err := public.New(clientID, public.WithCache(store.Account(accountID)))
//
// # Accounts
//
// Each account has a file of its own. MSAL reads and writes its cache as a whole, at every call: with all accounts in one
// file the price of a call grows with their number, and one damaged byte costs every sign-in. An accessor that
// [Store.Account] returns is bound to one account and ignores MSAL's partition hints, which are not the same at sign-in and
// at refresh. Do not use it with the on-behalf-of flow: MSAL cannot read back what it writes there.
//
// # Processes
//
// Any number of processes may use a directory. A file is replaced by renaming a complete one over it, so that a reader sees
// all of the old or all of the new, and a process that is killed leaves what was there. Writers take turns by a lock, and what they write is
// a three-way merge of what the client had loaded, what it has now, and what is stored by now: nothing that somebody else
// stored meanwhile is lost, and what somebody removed is not brought back. What could not be stored, because the disk is full for example, is
// kept by the accessor until it can be. [Store.Exclusive] is for renewals, which two processes must not do at the same time. The locks are those of flock(2) and LockFileEx;
// on a network file system they may not reach other machines, so keep the directory on a local one.
//
// # Secrets
//
// A file is AES-256-GCM, with a fresh random nonce for each writing, under a key that lives somewhere else: see [KeySource].
// There is no plain-text mode. Without a key, [Open] returns [ErrNoKey], and a program is left with MSAL's cache in
// memory; it should say so. File names are a keyed hash of the account and say nothing about it, and they are authenticated: a file
// copied over another account's does not open; an old file of the same account, put back, does. What a file cannot hide is its size, its times,
// and how many there are.
//
// The encryption protects copies: backups, disk images, a directory sent to support. Against a process of the same user, or
// root, it protects only as far as the key source does: a key file, the kernel's keyring, the macOS keychain and DPAPI do not, and a
// systemd credential does only against processes outside of the service.
//
// On Unix the directory must be 0700 and the files 0600, of the process's own user, and no links. Whatever is not is
// refused, with what puts it right, and never silently changed: who changes the mode should know that
// others may have read the file. On Windows the modes mean nothing, and the access list of the user's profile protects the files.
//
// # Removing
//
// [Store.Remove] and [Store.RemoveAll] leave no trace of an account but the lock files, which are empty and say nothing. They are
// never removed: whoever waits for a removed file would have a lock that nobody else knows. Nor does a running client bring back what was
// removed: what it loaded before is not stored after. (MSAL itself loads again before it stores what the authority has sent; for a program
// that gives it an accessor directly, that is so only if it holds Exclusive around its calls, and around Remove.)
//
// [RemoveAll] does so without a key. Where something is stored, no key is made in place of a lost one: who finds the old one again, in a backup or in
// a keychain that was locked, has everything again.
//
// # Damage
//
// A file that does not authenticate although the key is right is set aside under its name with ".bad" (the last one of each
// account is kept), reported once (see [OnDamaged]), and counts as empty from then on: the account has to sign in again, and
// no other. Whether the key is right is known from a small file that was encrypted with it; if it is not, [Open] returns
// [ErrWrongKey] and touches nothing. [Store.Remove] removes what was set aside of an account, too; [Store.RemoveDamaged] removes what
// was set aside of any.
package tokencache
