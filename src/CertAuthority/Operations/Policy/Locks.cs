using CertAuthority.Access.Locks;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Creates locks. The transaction that locks a target revokes the certificates issued to it; locks are listed and removed like other
/// resources.
/// </summary>
internal static class Locks
{
    public static async Task<Locked> Create(Authority ca, Administrator by, CreateLock ask)
    {
        var now = ca.Now();
        var name = Guid.NewGuid().ToString();
        var expires = Expires(ask, now);
        if (Names.ReasonFault(ask.Message) is { } fault)
            throw Problems.Refused(fault);
        var (warnings, withdrawn) = await ca.Database.Commit(transaction =>
        {
            var made = new AccessLock(Guid.NewGuid(), name, 1, Target(transaction, ask), ask.Message, expires);
            LockRow.Table.Put(transaction, made);
            transaction.Audit(ResourceChanges.Entry(by.Caller, null, made, now));
            return (LockTargets.Warnings(transaction, made, now), Withdrawals.Review(ca, transaction, by.Caller, now));
        }, takesAway: true);
        withdrawn = await OwedWithdrawals.Finish(ca, by.Caller, withdrawn);
        return new Locked(name, warnings, [.. withdrawn.Revoked]);
    }

    private static LockTarget Target(Transaction transaction, CreateLock ask)
    {
        LockTarget[] given =
        [
            .. new (LockKind Kind, string? Name)[]
            {
                (LockKind.User, ask.User), (LockKind.Role, ask.Role), (LockKind.Login, ask.Login), (LockKind.Node, ask.Node),
                (LockKind.Request, ask.Request is { } prefix ? transaction.FindRequest(prefix, null).Id.ToString() : null),
            }.Where(one => one.Name is not null).Select(one => new LockTarget(one.Kind, one.Name!)),
        ];
        return given is [var target]
            ? target.Fault is { } fault ? throw Problems.Invalid(fault) : target
            : throw Problems.Invalid("say what to lock: one user, role, login, node or request");
    }

    private static DateTimeOffset? Expires(CreateLock ask, DateTimeOffset now)
    {
        if (ask is { Ttl: not null, Expires: not null })
            throw Problems.InvalidField("expires", "is not possible beside a ttl: a lock ends once");
        DateTimeOffset? end = ask switch
        {
            { Ttl: { } ttl } => now + Problems.Duration("ttl", ttl),
            { Expires: { } expires } => Problems.Instant("expires", expires),
            _ => null,
        };
        return end <= now
            ? throw Problems.InvalidField(ask.Ttl is null ? "expires" : "ttl", $"is over already: the lock would end at {Instants.Show(end.Value)}")
            : end;
    }
}
