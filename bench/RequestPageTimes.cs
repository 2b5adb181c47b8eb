using System.Collections.Immutable;
using System.Diagnostics;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Store;

namespace CertAuthority.Bench;

/// <summary>What a page of a hundred requests costs where there are a hundred, and where there are a hundred thousand.</summary>
internal static class RequestPageTimes
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly (string Name, RequestWish RequestedTtl)[] Wishes =
    [
        ("newest first", Of()),
        ("newest first, from the middle", Of() with { After = new RequestPlace("", Now.AddMinutes(-50_000), Guid.Empty) }),
        ("pending", Of() with { States = [RequestState.Pending] }),
        ("pending, approved", Of() with { States = [RequestState.Pending, RequestState.Approved] }),
        ("expired", Of() with { States = [RequestState.Expired] }),
        ("of one user", Of() with { User = "user7" }),
        ("by user", Of() with { Order = RequestOrder.User }),
        ("by state", Of() with { Order = RequestOrder.State }),
        ("of the last day", Of() with { Since = Now.AddDays(-1) }),
        ("for a common role", Of() with { Role = "dba" }),
        ("for a role of nobody", Of() with { Role = "nobody" }),
    ];

    public static async Task Print()
    {
        var few = await Times(100);
        var many = await Times(100_000);
        Console.WriteLine($"{"a page of requests",-34}{"of 100",12}{"of 100,000",12}  ms");
        foreach (var ((name, _), a, b) in Wishes.Zip(few, many))
            Console.WriteLine($"{name,-34}{a.TotalMilliseconds,12:0.00}{b.TotalMilliseconds,12:0.00}");
    }

    private static async Task<List<TimeSpan>> Times(int count)
    {
        var folder = Directory.CreateTempSubdirectory("bench-").FullName;
        try
        {
            await using var database = TestStore.Open(Path.Combine(folder, "certauthority.db"));
            foreach (var chunk in Enumerable.Range(0, count).Chunk(5000))
                await database.Commit(transaction =>
                {
                    foreach (var n in chunk)
                        transaction.InsertRequest(Request(n));
                    return true;
                });
            return [.. Wishes.Select(wish => Best(() => database.Read(snapshot => snapshot.RequestPage(wish.RequestedTtl, Now))))];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static RequestWish Of() => new([], null, null, null, RequestOrder.Created, 100, null);

    // One a minute; of a hundred one is pending, nine are approved, thirty ran out, the others were denied.
    private static AccessRequest Request(int n)
    {
        var created = Now.AddMinutes(-n);
        var over = n % 100 is >= 10 and < 40;
        return new AccessRequest
        {
            Id = Guid.NewGuid(),
            Revision = 1,
            UserId = Guid.NewGuid(),
            UserName = $"user{n % 500}",
            CreatorUid = 5001,
            Roles = [new PinnedRole(Guid.NewGuid(), n % 3 == 0 ? "dba" : "ops", 1)],
            GrantedRoles = [],
            StoredState = (n % 100) switch { 0 => RequestState.Pending, < 20 => RequestState.Approved, < 40 => RequestState.Pending, _ => RequestState.Denied },
            Created = created,
            PendingUntil = over ? created.AddMinutes(-1) : Now.AddHours(1),
            AccessUntil = over ? created.AddMinutes(-1) : Now.AddHours(1),
            Reason = "performing DB migration tonight",
            SuggestedReviewers = ["bob"],
            Resolution = null,
            Terms = new AccessTerms(TimeSpan.FromHours(1), "role dba", RequestClock.Creation, SessionTtl: null, AssumeFrom: null, Shortened: ImmutableArray<string>.Empty),
        };
    }

    private static TimeSpan Best(Action action)
    {
        var best = TimeSpan.MaxValue;
        for (var i = 0; i < 20; i++)
        {
            var clock = Stopwatch.StartNew();
            action();
            best = clock.Elapsed < best ? clock.Elapsed : best;
        }
        return best;
    }
}
