using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// What happens when the clock is not where it should be: nothing is granted until it is again, or root says that it is right.
/// </summary>
internal static class Clocks
{
    /// <summary>Now, for what grants something.</summary>
    /// <exception cref="ProblemException">Unavailable: nobody knows what time it is.</exception>
    public static DateTimeOffset NowToGrant(this Authority ca) => ca.Clock.Step is { } step
        ? throw new ProblemException(new Problem(
            ProblemCode.Unavailable,
            $"the clock of the authority's host shows {Show(step.Shown)} where it should show {Show(step.Expected)}, so nothing is granted",
            Next: [new NextStep.ConfirmClock()]))
        : ca.Now();

    public static async Task<ClockAccepted> Accept(Authority ca, Administrator by, AcceptClock ask)
    {
        if (!by.Caller.IsRoot)
            throw new ProblemException(
                new Problem(ProblemCode.Denied, "only root says that the clock is right", Next: [new NextStep.ConfirmClock()]));
        if (ca.Clock.Step is not { } step)
            throw new ProblemException(new Problem(ProblemCode.Conflict, "the clock is where it should be"));
        if (!ca.Clock.IsPossible)
            throw new ProblemException(
                new Problem(ProblemCode.Invalid, $"the clock shows {Show(step.Shown)}, which cannot be right", "set the clock first"));
        await ca.Database.Commit(transaction =>
        {
            transaction.KeepExpired(step.Shown, step.Expected);
            transaction.Audit(by.Caller.Did("clock.accepted", step.Shown) with { Reason = Words(step), Changes = Changes(step) });
            return true;
        });
        ca.Clock.Accept();
        await Remember(ca);
        await ca.Krl.Publish();
        return new ClockAccepted(step.Expected, step.Shown);
    }

    /// <summary>Records what time it is, for the daemon after this one.</summary>
    public static Task Remember(Authority ca) => ca.Database.Commit(transaction =>
    {
        transaction.RecordClock(ca.Clock.Record);
        return true;
    }, takesAway: true);

    /// <summary>Records that the clock is off, or where it should be again.</summary>
    public static Task Note(Authority ca, ClockStep step, bool isOver)
    {
        var now = ca.Now();
        return ca.Database.Commit(transaction =>
        {
            if (!isOver)
                transaction.KeepExpired(step.Shown, step.Expected);
            transaction.Audit(
                Caller.Daemon.Did(isOver ? "clock.agreed" : "clock.stepped", now) with { Reason = Words(step), Changes = Changes(step) });
            return true;
        }, takesAway: true);
    }

    /// <summary>
    /// For the first transaction of a daemon that starts with a clock that is off: what had expired before stays so from then on.
    /// </summary>
    public static void KeepExpired(Transaction transaction, SteadyClock clock)
    {
        if (clock.Step is { } step)
            transaction.KeepExpired(step.Shown, step.Expected);
    }

    // For programs: the words are for people.
    private static AuditChange[] Changes(ClockStep step) => [new("clock", Show(step.Expected), Show(step.Shown))];

    public static string Words(ClockStep step) => $"the clock showed {Show(step.Shown)} where it should have shown {Show(step.Expected)}";

    private static string Show(DateTimeOffset time) => $"{time:yyyy-MM-ddTHH:mm:ssZ}";
}
