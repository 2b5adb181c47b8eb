using System.Collections.Concurrent;
using CertAuthority.Access.Users;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>A change of the policy that was rehearsed, and whom it can take something from.</summary>
/// <param name="Policy">The policy after the change.</param>
/// <param name="Changed">The users that the change writes or removes, by ID; null for those that are gone.</param>
/// <param name="Touched">The IDs of the users to review; null for everybody.</param>
/// <param name="Ended">What the change itself ends.</param>
/// <param name="Now">The time of the change.</param>
internal sealed record PlannedWithdrawal(
    Policy Policy, IReadOnlyDictionary<Guid, User?> Changed, IReadOnlyCollection<Guid>? Touched, IReadOnlyList<EndedRequest> Ended,
    DateTimeOffset Now);

/// <summary>
/// Finds what a change of the policy would take back. The writer only rehearses the change; readers then ask its policy about the
/// certificates that it touches, beside all other work, however many there are.
/// </summary>
internal static class PlannedWithdrawals
{
    private const int ReadTogether = 200;

    private static readonly ParallelOptions HalfOfTheProcessors = new() { MaxDegreeOfParallelism = (Environment.ProcessorCount + 1) / 2 };

    /// <summary>Collects what is needed to judge a change, at the end of its rehearsal.</summary>
    public static PlannedWithdrawal Collect(Transaction transaction, IReadOnlyList<EndedRequest> ended, DateTimeOffset now)
    {
        transaction.FollowGroups();
        if (!transaction.NoteReview(now))
            transaction.Touched.Everybody();
        var touched = transaction.Touched;
        return new PlannedWithdrawal(
            transaction.Policy(), touched.Users.ToDictionary(id => id, id => transaction.FindUser(id)),
            touched.IsEverybody ? null : transaction.UsersTouchedBy(touched, now), [.. ended], now);
    }

    /// <summary>Returns what the change would take back, in the form of its result.</summary>
    public static async Task<(Withdrawn Withdrawn, UserLoss[] Losses)> Find(Authority ca, PlannedWithdrawal plan)
    {
        var losses = new ConcurrentBag<Loss>();
        var users = plan.Touched ?? ca.Database.Read(snapshot => snapshot.UsersWithAccess(plan.Now));
        await Parallel.ForEachAsync(users.Chunk(ReadTogether), HalfOfTheProcessors, (some, _) =>
        {
            ca.Database.Read(snapshot =>
            {
                var found = new Losses(ca.Limits, snapshot, plan.Policy, plan.Now);
                foreach (var id in some)
                    losses.Add(found.Of(id, plan.Changed.TryGetValue(id, out var changed) ? changed : snapshot.FindUser(id)));
                return true;
            });
            return ValueTask.CompletedTask;
        });
        return Sum(plan.Ended, losses, ca.Database.Read(snapshot =>
            plan.Ended.SelectMany(one => one.Revoked).Distinct().Select(serial => snapshot.FindCertificate(ulong.Parse(serial)))
                .OfType<RecordedCertificate>().Select(one => (one.Serial, one.UserName)).ToList()));
    }

    // What the change itself ends can be found again by the review, which reads the database as it is before the change.
    private static (Withdrawn Withdrawn, UserLoss[] Losses) Sum(
        IReadOnlyList<EndedRequest> ended, IReadOnlyCollection<Loss> losses, List<(ulong Serial, string UserName)> revokedBefore)
    {
        var requests = ended.Select(one => one.Request).Concat(losses.SelectMany(loss => loss.Ended)).DistinctBy(request => request.Id)
            .ToList();
        var certificates = revokedBefore
            .Concat(losses.SelectMany(loss => loss.Revoked).Select(one => (one.Serial, one.UserName))).DistinctBy(one => one.Serial)
            .OrderBy(one => one.Serial).ToList();
        var names = requests.Select(request => request.UserName).Concat(certificates.Select(one => one.UserName)).Distinct()
            .Order(StringComparer.Ordinal);
        var (byUser, requestsByUser) = (certificates.ToLookup(one => one.UserName), requests.ToLookup(one => one.UserName));
        var over = requests.Select(request => request.Id).ToHashSet();
        return (
            new Withdrawn([.. requests.Select(request => request.Id)], [.. certificates.Select(one => one.Serial.ToString())])
            {
                Shortened = [.. losses.SelectMany(loss => loss.Shortened).Where(request => !over.Contains(request.Id))],
            },
            [.. names.Select(name => new UserLoss(name, byUser[name].Count(), requestsByUser[name].Count()))]);
    }
}
