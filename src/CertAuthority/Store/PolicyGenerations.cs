namespace CertAuthority.Store;

/// <summary>The generations of the policy: each change of a role, a node or a lock begins one.</summary>
internal static class PolicyGenerations
{
    /// <summary>
    /// Begins a new generation, because a row of a policy table was written or removed. If the policy of the generation before is known,
    /// only this row is changed in it, so that many changes in one transaction do not read every row after each of them.
    /// </summary>
    /// <param name="transaction">The transaction that changed the row.</param>
    /// <param name="change">Makes the policy of the new generation from the one before.</param>
    public static void BeginGeneration(this Transaction transaction, Func<Policy, string, Policy> change)
    {
        var (before, next) = (transaction.CachedPolicy(), Guid.NewGuid().ToString());
        transaction.Write("UPDATE policy SET generation = $1", next);
        transaction.PolicyNow = before is null ? null : change(before, next);
        if (transaction.PolicyNow is { } after)
            transaction.Policies.Latest = after;
    }

    /// <summary>Notes the instant of a review of the policy.</summary>
    /// <returns>Whether no earlier review saw a later instant.</returns>
    public static bool NoteReview(this Transaction transaction, DateTimeOffset now) =>
        transaction.Execute("UPDATE policy SET reviewed = $1 WHERE reviewed <= $1", now) == 1;

    /// <summary>Asks for the number of the present generation.</summary>
    public static readonly Question<string> Present = new("SELECT generation FROM policy", row => row.GetString(0));

    /// <summary>Returns the number of the present generation.</summary>
    public static string Generation(this Snapshot snapshot) => snapshot.Ask(Present)[0];

    /// <summary>Returns the policy if the cache has it in its present generation; null otherwise.</summary>
    public static Policy? CachedPolicy(this Snapshot snapshot) =>
        snapshot.Policies.Latest is { } latest && latest.Generation == snapshot.Generation() ? latest : null;
}
