using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace CertAuthority.Operations;

/// <summary>
/// A withdrawal that a committed change of the policy still owes. From that commit on, the new policy decides about every login, so only
/// what was issued before is left to review.
/// </summary>
/// <param name="Rows">The IDs of its rows, which are removed when the withdrawal is finished.</param>
/// <param name="Users">The IDs of the users to review; null for everybody.</param>
internal sealed record OwedWithdrawal(ImmutableArray<Guid> Rows, IReadOnlyCollection<Guid>? Users);

/// <summary>The rows of owed withdrawals that a call works on. Nobody else needs to take care of them.</summary>
internal sealed class WithdrawalsAtWork
{
    private readonly ConcurrentDictionary<Guid, bool> rows = new();

    public bool Has(Guid row) => rows.ContainsKey(row);

    public void Begin(OwedWithdrawal owed)
    {
        foreach (var row in owed.Rows)
            rows[row] = true;
    }

    public void End(OwedWithdrawal owed)
    {
        foreach (var row in owed.Rows)
            rows.TryRemove(row, out _);
    }
}
