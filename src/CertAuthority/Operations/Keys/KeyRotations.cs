using System.Collections.Immutable;
using CertAuthority.Access.Rotations;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Changes CA keys while everybody goes on working. Each step is one row, written in one transaction together with its entry in the audit;
/// everything else (files, lists, hosts) follows from the row, so a crash in between is completed by the next start.
/// </summary>
internal static class KeyRotations
{
    // A transaction revokes them in about 20 ms, in which nobody can log in.
    private const int Together = 500;

    public static async Task<KeyRotated> Rotate(Authority ca, Administrator by, RotateKey ask)
    {
        if (!Enum.TryParse<CaPurpose>(ask.Key, ignoreCase: true, out var key) || key.Name() != ask.Key)
            throw Problems.InvalidField("key", $"takes user, host or sync, not \"{ask.Key}\"");
        if (ask.Nodes is [_, ..] && ask.Act is not (RotationActs.Switch or RotationActs.Retire or RotationActs.Confirm))
            throw Problems.InvalidField("nodes", "goes with switch, retire and confirm");
        if (ask.Keys is not null && ask.Act != RotationActs.Compromised)
            throw Problems.InvalidField("keys", "goes with compromised");
        ExpectNodes(ca, ask.Nodes ?? []);
        return await InTurn(ca, async () =>
        {
            List<RecordedCaKey> worthless = [];
            var revoked = ask.Act switch
            {
                RotationActs.Prepare => await Prepare(ca, by.Caller, key),
                RotationActs.Switch => await Switch(ca, by.Caller, key, ask.Nodes ?? []),
                RotationActs.Retire => await Retire(ca, by.Caller, key, ask.Nodes ?? []),
                RotationActs.Back => await Back(ca, by.Caller, key),
                RotationActs.Compromised => await Replace(ca, by.Caller, key, ask.Keys, worthless),
                RotationActs.Confirm => await Confirm(ca, by.Caller, key, ask.Nodes ?? []),
                RotationActs.Schedule => await Schedule(ca, by.Caller, key, ask.At),
                _ => throw Problems.InvalidField(
                    "act", $"takes prepare, switch, retire, back, compromised, confirm or schedule, not \"{ask.Act}\""),
            };
            var behind = await HostsBehind(ca);
            // They change nothing, not even their list, before somebody tells them to take the new key.
            if (ask.Act == RotationActs.Compromised && key == CaPurpose.User)
                behind = [.. behind, .. RotationState.Fetching(ca).Take(RotationState.MostHosts)];
            return new KeyRotated(
                ask.Key, Fingerprint.Compute(Of(ca.Keys, key).Signing.PublicKey), revoked, behind,
                ca.Database.Read(snapshot => RotationState.Show(ca, snapshot, key, ca.Now())))
            {
                RevokedKeys = worthless is [] ? null : [.. worthless.Select(one => Fingerprint.Compute(one.Key))],
            };
        });
    }

    /// <summary>Records which keys an enrollment put on a host.</summary>
    public static async Task<TrustConfirmed> ConfirmTrust(Authority ca, Administrator by, ConfirmTrust ask)
    {
        var now = ca.Now();
        var (user, sync) = (Keys(ask.UserCas), Keys(ask.SyncCas ?? []));
        await ca.Database.Commit(transaction =>
        {
            var node = Nodes.Find(transaction, ask.Name);
            Record(CaPurpose.User, user);
            if (ask.SyncCas is not null)
                Record(CaPurpose.Sync, sync);
            return true;

            void Record(CaPurpose purpose, List<PublicKey> keys) => transaction.SetTrust(
                node.Id, purpose, transaction.CaKeys(purpose).Where(known => keys.Contains(known.Key)).Select(known => known.Id), now);
        });
        return new TrustConfirmed(ask.Name);

        static List<PublicKey> Keys(string[] lines)
        {
            try
            {
                return [.. lines.Select(PublicKey.ParseOtherAuthority)];
            }
            catch (SshFormatException malformed)
            {
                throw Problems.Invalid($"a key of the host cannot be read: {malformed.Message}");
            }
        }
    }

    /// <summary>Takes the next step of a rotation that is scheduled and can go on, and completes one that was cut short.</summary>
    public static Task GoOn(Authority ca, CaPurpose key) => InTurn(ca, async () =>
    {
        if (ca.Database.Read(snapshot => snapshot.Rotation(key)) is not { } rotation)
            return false;
        if (rotation.Step == RotationStep.Retiring)
            await Finish(ca, key);
        else
        {
            var now = ca.Now();
            FindNext(ca, key);
            if (rotation.Scheduled is not { } from || from > now
                || ca.Database.Read(snapshot => RotationState.Obstacle(ca, snapshot, key, rotation, now, [])) is not null)
                return false;
            if (rotation.Step == RotationStep.Prepared)
                await Switch(ca, Caller.Daemon, key, []);
            else
                await Retire(ca, Caller.Daemon, key, []);
        }
        return true;
    });

    /// <summary>
    /// Has the host CA key name the keys that are to sign after it, if it has not yet: those that an administrator had made known, and one
    /// whose rotation an earlier version began.
    /// </summary>
    /// <returns>The fingerprints of keys that it cannot name, because whoever has it signs nothing but certificates.</returns>
    public static Task<string[]> Vouch(Authority ca) => InTurn(ca, async () =>
    {
        var (keys, refused) = (ca.Keys.Host, new List<string>());
        foreach (var (next, id) in keys.Others.Zip(keys.Ids.Skip(1)))
        {
            // A key with a lower number signed before this one.
            if (id < keys.SigningId || ca.Database.Read(snapshot => snapshot.HasCaStatement(keys.SigningId, id)))
                continue;
            if (await Statement(ca, next) is { } statement)
                await ca.Database.Commit(transaction =>
                {
                    transaction.PutCaStatement(keys.SigningId, id, statement);
                    transaction.Audit(Caller.Daemon.Did(AuditEvents.CaVouched, ca.Now()) with
                    {
                        Resource = Resource(transaction, CaPurpose.Host, id),
                    });
                    return true;
                });
            else
                refused.Add(Fingerprint.Compute(next));
        }
        return refused.ToArray();
    });

    private static ValueTask<string?> Statement(Authority ca, SignatureKey next) =>
        ca.Keys.Host.Signing.Vouch(ca.Database.Read(snapshot => snapshot.Installation()), next);

    private static async Task<int> Prepare(Authority ca, Caller by, CaPurpose key)
    {
        ExpectFile(ca, key);
        if (ca.Database.Read(snapshot => snapshot.Rotation(key)) is { } present)
            throw Conflict($"a rotation of the {key.Title()} key is under way: it is {RotationState.Word(present.Step)}");
        var next = Next(ca, key);
        var statement = key == CaPurpose.Host ? await Statement(ca, next.PublicKey) : null;
        await Step(ca, by, key, AuditEvents.CaPrepared, (transaction, now) =>
        {
            var rotation = new Rotation(
                RotationStep.Prepared, now, Of(ca.Keys, key).SigningId, transaction.CaKey(key, next.PublicKey, now).Id);
            if (statement is not null)
                transaction.PutCaStatement(rotation.OldId, rotation.NextId, statement);
            return rotation;
        });
        return 0;
    }

    private static async Task<int> Switch(Authority ca, Caller by, CaPurpose key, string[] abandon)
    {
        await Look(ca, key);
        await Step(ca, by, key, AuditEvents.CaSwitched, (transaction, now) =>
        {
            var rotation = Present(transaction, key);
            ExpectWay(ca, transaction, key, rotation, RotationStep.Prepared, now, abandon);
            if (key == CaPurpose.Host)
                ForgetConfirmed(transaction);
            return rotation with { Step = RotationStep.Switched, Since = now, Abandoned = With(rotation, abandon) };
        });
        if (key == CaPurpose.Host)
            await RenewHosts(ca);
        return 0;
    }

    private static async Task<int> Retire(Authority ca, Caller by, CaPurpose key, string[] abandon)
    {
        await Look(ca, key);
        await Step(ca, by, key, AuditEvents.CaRetired, (transaction, now) =>
        {
            var rotation = Present(transaction, key);
            ExpectWay(ca, transaction, key, rotation, RotationStep.Switched, now, abandon);
            return rotation with { Step = RotationStep.Retiring, Since = now, Abandoned = With(rotation, abandon) };
        });
        return await Finish(ca, key);
    }

    private static async Task<int> Back(Authority ca, Caller by, CaPurpose key)
    {
        await Step(ca, by, key, AuditEvents.CaRolledBack, (transaction, now) =>
        {
            var rotation = Present(transaction, key);
            if (RotationPolicy.Back(rotation) is { } refusal)
                throw Problems.Refused(refusal);
            if (rotation.Step == RotationStep.Switched)
                return rotation with { Step = RotationStep.Prepared, Since = now, Scheduled = null };
            // What the next key signed before it was taken back must stay revocable, and so trusted.
            if (LastEnd(transaction, key, rotation.NextId, now) is { } end)
                throw Problems.Refused(
                    new Access.Values.Refusal(
                        $"certificates of the next key are in use, until {Access.Values.Instants.Show(end)}", "let it sign again, or revoke them",
                        Access.Values.RefusalKind.Conflict));
            if (key == CaPurpose.Host && RotationState.ShowingNext(transaction, rotation) is { Count: > 0 } showing)
                throw new ProblemException(new Problem(
                    ProblemCode.Conflict,
                    $"{(showing.Count == 1 ? "1 host shows" : $"{showing.Count} hosts show")} a certificate of the next key: {string.Join(", ", showing.Take(8))}",
                    "the daemon gives those that it writes to one of the old key; confirm a host that fetches once it has fetched its own"));
            transaction.RemoveCaStatements(rotation.NextId);
            return null;
        });
        if (key == CaPurpose.Host)
            await RenewHosts(ca);
        if (ca.Database.Read(snapshot => snapshot.Rotation(key)) is null)
            ca.KeyFiles[key].DropNext();
        return 0;
    }

    /// <summary>
    /// Replaces a key that somebody else may have: nothing that it ever signed is worth anything once hosts have the list. What was beside
    /// it may have been taken with it, so every other key on record goes too, and the key that comes is a fresh one.
    /// </summary>
    /// <param name="ca">The authority.</param>
    /// <param name="by">Who says that somebody else may have it.</param>
    /// <param name="key">The key.</param>
    /// <param name="meant">The fingerprints of the keys that the caller means to revoke; null for those that there are.</param>
    /// <param name="worthless">Takes the keys that are revoked.</param>
    /// <returns>How many certificates were revoked.</returns>
    private static async Task<int> Replace(Authority ca, Caller by, CaPurpose key, string[]? meant, List<RecordedCaKey> worthless)
    {
        if (key == CaPurpose.Sync)
            throw Problems.Invalid(
                "the keys that let the daemon into hosts are root's there, out of its reach",
                "rotate the sync key, and enroll each host again after each step; a next key that was beside it goes first, by a step back");
        if (!ca.KeyFiles[key].CanChange)
            throw Problems.Invalid(
                $"the {key.Title()} key is not in a plain file, so no other can be made here",
                "make a new one where it is, and revoke this one with it: docs/operating.md#replacing-the-user-ca-key; in our own signer: docs/keys.md#replacing-the-key-of-a-signer");
        if (ca.Database.Read(snapshot => snapshot.Rotation(key)) is { Step: RotationStep.Retiring } cut)
        {
            var ended = await Finish(ca, key);
            worthless.AddRange(RevokedAt(cut.Since));
            // That was this command, cut short before.
            if (worthless is [_, ..])
                return ended;
        }
        var there = ca.Database.Read(snapshot => RotationState.Beside(ca, snapshot, key));
        if (meant is not null && !there.Select(one => Fingerprint.Compute(one.Key)).ToHashSet().SetEquals(meant))
            throw Conflict($"the {key.Title()} keys have changed since they were shown; nothing was done");

        // Until the transaction, whichever key signs has its file: a start in between goes on as before, and so does this command.
        var files = ca.KeyFiles[key];
        files.Promote(Of(ca.Keys, key).Signing.PublicKey);
        files.DropNext();
        var fresh = MakeNext(ca, key).PublicKey;
        var since = default(DateTimeOffset);
        await Step(ca, by, key, AuditEvents.CaRevoked, (transaction, now) =>
        {
            since = now;
            var signing = Of(ca.Keys, key).SigningId;
            // Of the keys that are gone, a restart may have recorded one that this command left when it was cut short.
            var gone = RotationState.Beside(ca, transaction, key).FindAll(one => one.Key != fresh);
            var next = transaction.CaKey(key, fresh, now).Id;
            transaction.RevokeCaKeys(key, gone, fresh, now);
            // The thief can say the same of any key.
            foreach (var one in gone)
                transaction.RemoveCaStatements(one.Id);
            foreach (var one in gone.Where(one => one.Id != signing))
                transaction.Audit(by.Did(AuditEvents.CaRevoked, now) with
                {
                    Resource = Resource(transaction, key, one.Id),
                    Reason = "it may have been beside one that was compromised",
                });
            return new Rotation(RotationStep.Retiring, now, signing, next);
        }, "it was compromised");
        worthless.AddRange(RevokedAt(since));
        if (key == CaPurpose.Host)
            await RenewHosts(ca);
        return await Finish(ca, key);

        List<RecordedCaKey> RevokedAt(DateTimeOffset time) =>
            ca.Database.Read(snapshot => snapshot.CaKeys(key).FindAll(one => one.Revoked == time));
    }

    private static async Task<int> Confirm(Authority ca, Caller by, CaPurpose key, string[] nodes)
    {
        if (nodes is [])
            throw Problems.InvalidField("nodes", "takes the hosts that trust the keys");
        var now = ca.Now();
        await ca.Database.Commit(transaction =>
        {
            // A host takes user CA keys and sync CA keys also after the end of a rotation: it was left behind, or trusts a revoked one.
            var rotation = key == CaPurpose.Host ? Present(transaction, key) : transaction.Rotation(key);
            var trusts = transaction.Trusts(key);
            foreach (var node in nodes.Select(name => Nodes.Find(transaction, name)))
            {
                // Before the next key signs, only a host that had a certificate of it can have got one of the old key again.
                if (key == CaPurpose.Host && rotation!.Step == RotationStep.Prepared
                    && !(trusts.TryGetValue(node.Id, out var shown) && shown.Contains(rotation.NextId)))
                    throw Conflict($"the next {key.Title()} key does not sign yet, so {node.Name} has no certificate of it");
                transaction.SetTrust(
                    node.Id, key,
                    key != CaPurpose.Host ? Of(ca.Keys, key).Ids
                        : [rotation!.Step == RotationStep.Prepared ? rotation.OldId : rotation.NextId],
                    now);
            }
            transaction.Audit(by.Did(AuditEvents.CaConfirmed, now) with
            {
                Resource = Resource(transaction, key, rotation?.NextId ?? Of(ca.Keys, key).SigningId),
                Reason = string.Join(", ", nodes),
            });
            return true;
        });
        return 0;
    }

    /// <summary>
    /// Forgets that hosts which fetch show a certificate of the next key: that was said of an earlier time at which it signed, and they
    /// have fetched another since.
    /// </summary>
    private static void ForgetConfirmed(Transaction transaction)
    {
        var trusts = transaction.Trusts(CaPurpose.Host);
        foreach (var node in transaction.Policy().Nodes.Values.Where(node => !node.Push && trusts.ContainsKey(node.Id)))
            transaction.ForgetTrust(node.Id, CaPurpose.Host);
    }

    private static async Task<int> Schedule(Authority ca, Caller by, CaPurpose key, string? at)
    {
        DateTimeOffset? from = at is null ? null : Problems.Instant("at", at);
        await Step(
            ca, by, key, AuditEvents.CaScheduled, (transaction, now) =>
            {
                var rotation = Present(transaction, key);
                return from <= now
                    ? throw Problems.Invalid(
                        $"{Access.Values.Instants.Show(from.Value)} is past, so the daemon would go on at once", "name a time to come",
                        new NextStep.TakeStep(key.Name()))
                    : rotation with { Scheduled = from };
            },
            from is { } set ? Access.Values.Instants.Show(set) : "by command only");
        return 0;
    }

    /// <summary>Writes a step, and lets the keys in force follow it. The list and the hosts get them at once.</summary>
    /// <param name="ca">The authority.</param>
    /// <param name="by">Who takes the step.</param>
    /// <param name="key">The key.</param>
    /// <param name="what">The event.</param>
    /// <param name="decide">Returns the rotation after the step; null if it ends.</param>
    /// <param name="reason">What the entry says besides; null for the hosts that are left behind.</param>
    private static async Task Step(
        Authority ca, Caller by, CaPurpose key, AuditEvent what, Func<Transaction, DateTimeOffset, Rotation?> decide,
        string? reason = null)
    {
        var (before, now) = (ca.KeysInForce.Now, ca.Now());
        try
        {
            await ca.Database.Commit(transaction =>
            {
                var former = transaction.Rotation(key);
                var rotation = decide(transaction, now);
                if (rotation is null)
                    transaction.RemoveRotation(key);
                else
                    transaction.SetRotation(key, rotation);
                transaction.Audit(by.Did(what, now) with
                {
                    Resource = Resource(
                        transaction, key, what == AuditEvents.CaRevoked ? rotation!.OldId : (rotation ?? former)!.NextId),
                    Reason = reason ?? (rotation is { Abandoned: [_, ..] left } ? $"left behind: {string.Join(", ", left)}" : null),
                });
                var keys = RotatingKeys.Under(transaction, key, ca.KeyFiles[key], rotation)
                    ?? throw Conflict("no file has the key that would sign; restore it from the backup of the keys");
                // The last thing here: transactions that follow sign by these keys, and none overlaps this one.
                ca.KeysInForce.Now = With(before, key, RotatingKeys.Recorded(transaction, keys, now));
                return true;
            }, takesAway: what == AuditEvents.CaRevoked);
        }
        catch
        {
            ca.KeysInForce.Now = before;
            throw;
        }
        await ca.Krl.Publish();
    }

    /// <summary>Ends a rotation whose old key nobody trusts any more. It can be repeated after a crash.</summary>
    /// <returns>How many certificates were revoked.</returns>
    private static async Task<int> Finish(Authority ca, CaPurpose key)
    {
        var (revoked, now) = (0, ca.Now());
        var rotation = ca.Database.Read(snapshot => snapshot.Rotation(key));
        if (rotation is not { Step: RotationStep.Retiring })
            return 0;
        var (known, next) = ca.Database.Read(
            snapshot => (snapshot.CaKeys(key), RotationState.PublicKeyOf(snapshot, key, rotation.NextId)));
        var worthless = known.Where(one => one.Revoked is not null).Select(one => one.Id).ToHashSet();
        // A certificate of an unknown signer may be one of theirs.
        if (key == CaPurpose.User && worthless.Contains(rotation.OldId))
            foreach (var some in ca.Database.Read(snapshot => snapshot.LiveCertificates(now))
                .Where(one => one.CaKeyId == 0 || worthless.Contains(one.CaKeyId)).Select(one => one.Serial).Chunk(Together))
                revoked += (await ca.Database.Commit(
                    transaction => Revocations.Revoke(
                        transaction, Caller.Daemon,
                        [.. some.Select(transaction.FindCertificate).OfType<RecordedCertificate>().Where(one => one.Revoked is null)],
                        "the CA key that signed it was compromised", now), takesAway: true)).Length;
        var files = ca.KeyFiles[key];
        if (files.Current.PublicKey != next)
        {
            ExpectFile(ca, key);
            FindNext(ca, key);
            if (files.Holder(next) is null)
                throw Conflict($"{files.NextPath} does not have the {key.Title()} key {Fingerprint.Compute(next)}; put it back");
            files.Promote(next);
        }
        await ca.Database.Commit(transaction =>
        {
            transaction.RemoveRotation(key);
            return true;
        });
        if (revoked > 0)
            await ca.Krl.Publish();
        return revoked;
    }

    private static DateTimeOffset? LastEnd(Snapshot snapshot, CaPurpose key, long id, DateTimeOffset now) =>
        key == CaPurpose.User ? snapshot.LastEndOf(id, now) : null;

    /// <summary>Returns the key that takes over; one that was revoked is replaced by another.</summary>
    private static FileCaKey Next(Authority ca, CaPurpose key)
    {
        var files = ca.KeyFiles[key];
        if (files.Next is { } left && ca.Database.Read(
            snapshot => snapshot.CaKeys(key).Exists(one => one.Key == left.PublicKey && one.Revoked is not null)))
            files.DropNext();
        return MakeNext(ca, key);
    }

    private static FileCaKey MakeNext(Authority ca, CaPurpose key)
    {
        try
        {
            return ca.KeyFiles[key].MakeNext();
        }
        catch (CaKeyException unusable)
        {
            throw Conflict(unusable.Message);
        }
    }

    /// <summary>Loads the next key if its file was put back, and looks whether both keys of a rotation are as they should be.</summary>
    private static async Task Look(Authority ca, CaPurpose key)
    {
        FindNext(ca, key);
        await ca.KeyFiles[key].Current.Check();
        if (ca.KeyFiles[key].Next is { } next)
            await next.Check();
    }

    private static void FindNext(Authority ca, CaPurpose key)
    {
        try
        {
            ca.KeyFiles[key].FindNext();
        }
        catch (CaKeyException unusable)
        {
            throw Conflict(unusable.Message);
        }
    }

    /// <summary>Refuses a step that is not the next one, or that cannot be taken yet.</summary>
    private static void ExpectWay(
        Authority ca, Snapshot snapshot, CaPurpose key, Rotation rotation, RotationStep before, DateTimeOffset now, string[] abandon)
    {
        var refusal = rotation.Step == before ? RotationState.Obstacle(ca, snapshot, key, rotation, now, abandon)
            : before == RotationStep.Prepared ? RotationPolicy.Switch(rotation, RotationState.Facts(snapshot, key, rotation, now), abandon)
            : RotationPolicy.Retire(rotation, RotationState.Facts(snapshot, key, rotation, now), abandon);
        if (refusal is null)
            return;
        string[] missing = [
            .. RotationState.Unconfirmed(snapshot, key, rotation).Select(node => node.Name).Except(With(rotation, abandon)).Take(8)];
        throw new ProblemException(Problems.From(refusal) with
        {
            Next = refusal.Hint is null && missing is [_, ..] ? [new NextStep.ConfirmHosts(key.Name(), missing)] : null,
        });
    }

    /// <summary>Signs the certificates of hosts by the key that signs now, and has each host get its own with a new list.</summary>
    private static async Task RenewHosts(Authority ca)
    {
        await HostCertificates.Renew(ca);
        await ca.Krl.Publish();
    }

    private static async Task<HostBehind[]> HostsBehind(Authority ca) =>
        (await Nodes.Behind(ca, new Administrator(Caller.Daemon), new ListHostsBehind())).Hosts;

    private static void ExpectFile(Authority ca, CaPurpose key)
    {
        if (!ca.KeyFiles[key].CanChange)
            throw Problems.Invalid(
                $"the {key.Title()} key is not in a plain file, so no next one can be made here",
                "make one where it is, and have hosts trust it before it signs: docs/operating.md#trusting-another-ca-key");
    }

    private static void ExpectNodes(Authority ca, string[] names) => ca.Database.Read(snapshot =>
    {
        foreach (var name in names)
            Nodes.Find(snapshot, name);
        return true;
    });

    private static Rotation Present(Snapshot snapshot, CaPurpose key) =>
        snapshot.Rotation(key) ?? throw new ProblemException(new Problem(
            ProblemCode.Conflict, $"no rotation of the {key.Title()} key is under way", Next: [new NextStep.TakeStep(key.Name())]));

    private static ImmutableArray<string> With(Rotation rotation, string[] abandon) =>
        [.. rotation.Abandoned.Concat(abandon).Distinct(StringComparer.Ordinal)];

    private static CaKeys Of(KeyRing ring, CaPurpose key) => ring.All[(int)key];

    private static KeyRing With(KeyRing ring, CaPurpose key, CaKeys keys) => key switch
    {
        CaPurpose.User => ring with { User = keys },
        CaPurpose.Host => ring with { Host = keys },
        _ => ring with { Sync = keys },
    };

    private static string Resource(Snapshot snapshot, CaPurpose key, long id) =>
        $"{key.FileName()}/{RotatingKeys.Name(snapshot, key, id)}";

    private static ProblemException Conflict(string detail) => new(new Problem(ProblemCode.Conflict, detail));

    private static async Task<T> InTurn<T>(Authority ca, Func<Task<T>> work)
    {
        await ca.KeyTurn.WaitAsync();
        try
        {
            return await work();
        }
        finally
        {
            ca.KeyTurn.Release();
        }
    }
}
