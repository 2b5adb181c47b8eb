using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Handles a wrong clock: nothing is granted until the clock is right again, or until root declares that it is right.</summary>
internal static class Clocks
{
    /// <summary>Returns the current time for an operation that grants something.</summary>
    /// <exception cref="ProblemException">Unavailable: the current time is not known.</exception>
    public static DateTimeOffset NowToGrant(this Authority ca) => ca.Clock.Step is { } step
        ? throw new ProblemException(new Problem(
            ProblemCode.Unavailable,
            $"the clock of the authority's host shows {Instants.Show(step.Shown)} where it should show {Instants.Show(step.Expected)}, so nothing is granted",
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
                new Problem(ProblemCode.Invalid, $"the clock shows {Instants.Show(step.Shown)}, which cannot be right", "set the clock first"));
        await ca.Database.Commit(transaction =>
        {
            transaction.KeepExpired(step.Shown, step.Expected);
            transaction.Audit(by.Caller.Did(AuditEvents.ClockAccepted, step.Shown) with { Reason = Words(step), Changes = Changes(step) });
            return true;
        });
        ca.Clock.Accept();
        await Remember(ca);
        await ca.Krl.Publish();
        return new ClockAccepted(step.Expected, step.Shown);
    }

    /// <summary>Records the current time for the next run of the daemon.</summary>
    public static Task Remember(Authority ca) => ca.Database.Commit(transaction =>
    {
        transaction.RecordClock(ca.Clock.Record);
        return true;
    }, takesAway: true);

    /// <summary>Records that the clock is off, or that it is right again.</summary>
    public static Task Note(Authority ca, ClockStep step, bool isOver)
    {
        var now = ca.Now();
        return ca.Database.Commit(transaction =>
        {
            if (!isOver)
                transaction.KeepExpired(step.Shown, step.Expected);
            transaction.Audit(
                Caller.Daemon.Did(isOver ? AuditEvents.ClockAgreed : AuditEvents.ClockStepped, now) with
                {
                    Reason = Words(step),
                    Changes = Changes(step),
                });
            return true;
        }, takesAway: true);
    }

    /// <summary>
    /// Runs in the first transaction of a daemon that starts with a wrong clock: everything that had expired stays expired.
    /// </summary>
    public static void KeepExpired(Transaction transaction, SteadyClock clock)
    {
        if (clock.Step is { } step)
            transaction.KeepExpired(step.Shown, step.Expected);
    }

    // These fields are for programs; the words are for people.
    private static AuditChange[] Changes(ClockStep step) => [new("clock", Instants.Show(step.Expected), Instants.Show(step.Shown))];

    public static string Words(ClockStep step) => $"the clock showed {Instants.Show(step.Shown)} where it should have shown {Instants.Show(step.Expected)}";
}
