using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Auditing;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Push;
using CertAuthority.Revocation;
using CertAuthority.Signing;
using CertAuthority.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>A hundred administrators and the requester answer one request at once.</summary>
public sealed class RaceTests : IAsyncLifetime
{
    private static readonly Administrator Root = new(new Caller(new UnixIdentity(0, "root"), IsRoot: true));
    private static readonly Caller Alice = new(new UnixIdentity(5001, "alice"), IsRoot: false);

    private readonly TemporaryFolder folder = new();
    private readonly World world = new();
    private Authority ca = null!;
    private KrlPublisher krl = null!;

    [Theory]
    [InlineData("approvals only", 100, 0, 0)]
    [InlineData("denials only", 0, 100, 0)]
    [InlineData("as many approvals as denials", 50, 50, 0)]
    [InlineData("a few approvals among denials", 5, 95, 0)]
    [InlineData("approvals, denials, and a requester who thinks twice", 40, 40, 20)]
    public async Task Racing_answers_approve_at_most_once_and_each_is_audited(string mix, int approvals, int denials, int withdrawals)
    {
        var id = (await Requests.Create(ca, Alice, new CreateRequest(["dba"]))).Metadata.Name;
        using var start = new ManualResetEventSlim();
        var calls = Shuffled(
            Enumerable.Repeat(() => Resolutions.Approve(ca, Root, new ApproveRequest(id)), approvals)
                .Concat(Enumerable.Repeat(() => Resolutions.Deny(ca, Root, new DenyRequest(id)), denials))
                .Concat(Enumerable.Repeat(() => Resolutions.Cancel(ca, Alice, new EndMyRequest(id)), withdrawals / 2))
                .Concat(Enumerable.Repeat(() => Resolutions.Drop(ca, Alice, new EndMyRequest(id)), withdrawals / 2)))
            .Select(call => Task.Run(async () =>
            {
                start.Wait();
                try
                {
                    return (Met: (await call()).Request.Spec.State, Refused: (Problem?)null);
                }
                catch (ProblemException e)
                {
                    return (Met: "", Refused: e.Problem);
                }
            })).ToList();
        start.Set();
        var answers = await Task.WhenAll(calls);

        var reached = answers.Where(answer => answer.Refused is null).Select(answer => answer.Met).ToList();
        var audit = Events(id);
        var final = ca.Database.Read(snapshot => snapshot.FindRequest(id, null));

        Assert.True(reached.Count(state => state == "APPROVED") <= 1, mix);
        Assert.True(reached.Count(state => state is "DENIED" or "CANCELLED") <= 1, mix);
        Assert.NotEmpty(reached);
        // One entry for each success, in the order in which they happened, and the last one is where the request stands.
        Assert.Equal(reached.Order(StringComparer.Ordinal), audit.Order(StringComparer.Ordinal));
        Assert.Equal(RequestTransitions.Word(final.StoredState), audit[^1]);
        Assert.Equal(reached.Count + 1, final.Revision);
        Assert.True(audit.Count == 1 || audit is ["APPROVED", _], string.Join(' ', audit));
        // Everybody else is told the state he met, and it is one that the request has been in.
        string[] states = ["PENDING", .. audit];
        Assert.All(answers.Where(answer => answer.Refused is not null), answer =>
        {
            Assert.Equal(ProblemCode.Conflict, answer.Refused!.Code);
            Assert.Contains(states, state => answer.Refused.Detail.StartsWith($"request {id} is {state}; only ", StringComparison.Ordinal));
        });
    }

    [Theory]
    [InlineData("approvals only", 20, 0, false, false)]
    [InlineData("denials only", 0, 20, false, false)]
    [InlineData("as many of each", 10, 10, false, false)]
    [InlineData("many approvals, and an administrator who denies", 15, 1, true, false)]
    [InlineData("a few of each, and time runs out", 10, 2, false, true)]
    [InlineData("all at once", 10, 10, true, true)]
    public async Task Racing_reviews_resolve_once_and_each_accepted_is_audited(string mix, int approvals, int denials, bool administrator, bool expiry)
    {
        var clock = new JumpingClock();
        var hall = ca with { Clock = new SteadyClock(clock, "boot", before: null) };
        var id = (await Requests.Create(hall, Alice, new CreateRequest(["dba"]))).Metadata.Name;
        using var start = new ManualResetEventSlim();
        var calls = Shuffled<Func<Task<RequestResolved?>>>(
            [
                .. Enumerable.Range(0, approvals + denials).Select(i => (Func<Task<RequestResolved?>>)(async () => await Reviews.Review(hall, Reviewer(i), new ReviewRequest(id, i < approvals ? "approve" : "deny")))),
                .. administrator ? [async () => await Resolutions.Deny(hall, Root, new DenyRequest(id))] : (Func<Task<RequestResolved?>>[])[],
                .. expiry ? [() =>
                {
                    clock.Ahead = TimeSpan.FromDays(8);
                    return Task.FromResult<RequestResolved?>(null);
                }] : (Func<Task<RequestResolved?>>[])[],
            ])
            .Select(call => Task.Run(async () =>
            {
                start.Wait();
                try
                {
                    return (Reached: (await call())?.Request.Spec.State, Refused: (Problem?)null);
                }
                catch (ProblemException e)
                {
                    return (Reached: null, Refused: e.Problem);
                }
            })).ToList();
        start.Set();
        var answers = await Task.WhenAll(calls);

        var final = hall.Database.Read(snapshot => snapshot.FindRequest(id, null));
        var entries = hall.Database.Read(snapshot => snapshot.AuditEntries(new ListAudit())).Where(entry => entry.Request == id).ToList();
        var reviewed = entries.Where(entry => entry.Event == "request.reviewed").Reverse().ToList();
        var resolved = entries.Where(entry => entry.Event is "request.approved" or "request.denied").ToList();

        // Each review that was taken is kept once, in the order of the audit, and none was taken after the one that resolved.
        Assert.Equal(final.Reviews.Select(review => review.AuthorName), reviewed.Select(entry => entry.Reviewer));
        Assert.Equal(final.Reviews.Length + (resolved.Any(entry => entry.Reviewer is null) ? 1 : 0), answers.Count(answer => answer.Reached is not null));
        Assert.Equal(final.Reviews.Select(review => review.AuthorId).Distinct().Count(), final.Reviews.Length);
        var (yes, no) = (final.Reviews.Count(review => review.Decision == ReviewDecision.Approve), final.Reviews.Count(review => review.Decision == ReviewDecision.Deny));
        Assert.True(yes <= 3 && no <= 2 && (yes < 3 || no < 2), $"{mix}: {yes} and {no}");
        // An administrator takes an approval back; beside that there is one resolution, or none when time ran out.
        Assert.True(resolved.Count(entry => entry.Reviewer is not null) <= 1, mix);
        Assert.Equal(yes == 3 || no == 2, resolved.Exists(entry => entry.Reviewer is not null));
        Assert.Equal(resolved.Count == 0 ? "PENDING" : resolved[0].State, RequestTransitions.Word(final.StoredState));
        Assert.True(expiry || resolved.Count > 0, mix);
        Assert.Equal(1 + final.Reviews.Length + resolved.Count(entry => entry.Reviewer is null), final.Revision);
        Assert.All(answers.Where(answer => answer.Refused is not null), answer => Assert.Equal(ProblemCode.Conflict, answer.Refused!.Code));
    }

    [Fact]
    public async Task Racing_reviews_of_one_person_count_once()
    {
        var id = (await Requests.Create(ca, Alice, new CreateRequest(["dba"]))).Metadata.Name;
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(async () =>
        {
            try
            {
                return (await Reviews.Review(ca, Reviewer(1), new ReviewRequest(id, "approve"))).Request.Spec.State;
            }
            catch (ProblemException e)
            {
                return e.Message;
            }
        })));
        Assert.Equal("PENDING", Assert.Single(answers, answer => answer != "user \"reviewer1\" has already reviewed this request"));
        Assert.Single(ca.Database.Read(snapshot => snapshot.FindRequest(id, null)).Reviews);
    }

    [Fact]
    public async Task A_login_that_races_a_denial_is_refused_or_revoked()
    {
        for (var round = 0; round < 5; round++)
        {
            var (_, denied) = await LoginsAgainst(id => Resolutions.Deny(ca, Root, new DenyRequest(id)), denied => denied.Revoked);
            Assert.Equal("DENIED", denied.Request.Spec.State);
        }
    }

    [Theory]
    [InlineData("user", "alice")]
    [InlineData("role", "contractor")]
    [InlineData("role", "dba")]
    [InlineData("login", "postgres")]
    [InlineData("node", "db1")]
    [InlineData("request", "")]
    public async Task A_login_that_races_a_lock_is_refused_or_revoked(string kind, string name)
    {
        for (var round = 0; round < 3; round++)
        {
            var (id, made) = await LoginsAgainst(id => Locks.Create(ca, Root, kind switch
            {
                "user" => new CreateLock(User: name),
                "role" => new CreateLock(Role: name),
                "login" => new CreateLock(Login: name),
                "node" => new CreateLock(Node: name),
                _ => new CreateLock(Request: id),
            }), made => made.Revoked);

            Assert.Null(await Login(id));
            await Removals.Remove(ca, Root, new RemoveResource("lock", made.Name));
            Assert.NotNull(await Login(id));
            // What was revoked is on the list for good, and the next round begins with nothing out.
            Assert.All(made.Revoked, serial => Assert.NotNull(ca.Database.Read(snapshot => snapshot.FindCertificate(ulong.Parse(serial)))!.Revoked));
            await Resolutions.Deny(ca, Root, new DenyRequest(id));
        }
    }

    /// <summary>Logins with an approved request, at once with what takes it back: whatever was issued is revoked, and on the list when that is answered.</summary>
    private async Task<(string Id, T Answer)> LoginsAgainst<T>(Func<string, Task<T>> end, Func<T, string[]> revokedBy)
    {
        var id = (await Requests.Create(ca, Alice, new CreateRequest(["dba"]))).Metadata.Name;
        await Resolutions.Approve(ca, Root, new ApproveRequest(id));
        var before = await Login(id);
        using var start = new ManualResetEventSlim();
        var logins = Enumerable.Range(0, 20).Select(_ => Task.Run(async () =>
        {
            start.Wait();
            return await Login(id);
        })).ToList();
        var ending = Task.Run(() =>
        {
            start.Wait();
            return end(id);
        });
        start.Set();
        var issued = (await Task.WhenAll(logins)).OfType<string>().Append(before!).ToList();
        var answer = await ending;

        var revoked = revokedBy(answer);
        Assert.Equal(issued.Order(StringComparer.Ordinal), revoked.Order(StringComparer.Ordinal));
        var listed = OpenSsh.Krl.Parse(ca.Krl.Read()).Revoked;
        Assert.All(revoked.Select(ulong.Parse), serial => Assert.Contains(listed, range => range.First <= serial && serial <= range.Last));
        return (id, answer);
    }

    /// <summary>What one daemon denies or locks, no other leaves live, and one of two approvals counts. bench/races runs more.</summary>
    [PostgresFact]
    public async Task Two_daemons_leave_nothing_live_that_one_took_away()
    {
        const int rounds = 500;
        await using var races = await DaemonRaces.Start();
        await races.Run(rounds);
        Assert.Empty(races.Violations);
        // Each side wins often, so they do race.
        Assert.True(races.Outcomes.Issued > rounds && races.Outcomes.Refused > rounds, $"{races.Outcomes}");
    }

    [Fact]
    public async Task Expired_lock_blocks_nothing_and_revokes_nothing()
    {
        var id = (await Requests.Create(ca, Alice, new CreateRequest(["dba"]))).Metadata.Name;
        await Resolutions.Approve(ca, Root, new ApproveRequest(id));
        await Lock(ca.Now().AddHours(1));
        Assert.Null(await Login(id));
        await Lock(ca.Now());
        Assert.NotNull(await Login(id));
        // Nor does it when everything is looked at again.
        Assert.Empty((await Locks.Create(ca, Root, new CreateLock(User: "bob"))).Revoked);

        Task Lock(DateTimeOffset until) => world.Database.Commit(transaction =>
        {
            LockRow.Table.Put(transaction, new AccessLock(Guid.Parse(id), "l1", 1, new LockTarget(LockKind.User, "alice"), "", until));
            return true;
        });
    }

    [Fact]
    public async Task Twenty_five_of_thirty_concurrent_requests_are_filed()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => Task.Run(async () =>
        {
            try
            {
                return (await Requests.Create(ca, Alice, new CreateRequest(["dba"], Force: true))).Metadata.Name;
            }
            catch (ProblemException e)
            {
                return e.Message;
            }
        })));
        Assert.Equal(5, answers.Count(answer => answer == "25 of your requests are pending already; that is the limit"));
        Assert.Equal(25, ca.Database.Read(snapshot => snapshot.RequestPage(new RequestWish([], null, null, null, RequestOrder.Created, null, null), World.Now).Requests).Count);
    }

    [Fact]
    public async Task Only_one_concurrent_call_for_a_node_joins_the_session()
    {
        await world.Database.Commit(transaction =>
        {
            UserRow.Table.Put(transaction, World.User("bob") with { Roles = ["dba"] });
            NodeRow.Table.Put(transaction, new Node(Guid.NewGuid(), "db1", 1, "db1.example.com:22", ImmutableSortedDictionary<string, string>.Empty));
            NodeRow.Table.Put(transaction, new Node(Guid.NewGuid(), "db2", 1, "db2.example.com:22", ImmutableSortedDictionary<string, string>.Empty));
            return true;
        });
        var strict = ca with { Limits = ca.Limits with { LoginsPerMinute = 5, LiveCertificatesPerUser = 5 } };
        var bob = new Caller(new UnixIdentity(5002, "bob"), IsRoot: false);
        var session = await Issue(null, null);

        // Of twenty, one has the node's place in the session, and four are logins of their own: with the first, five within the minute.
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => Issue("db1", session))));
        Assert.Equal(1, answers.Count(answer => answer == session));
        Assert.Equal(4, answers.Count(answer => answer != session && !answer.Contains(' ', StringComparison.Ordinal)));
        Assert.Equal(15, answers.Count(answer => answer == "bob has tried to log in 5 times within a minute; that is the limit"));
        // Neither bound keeps the session from its next node.
        Assert.Equal(session, await Issue("db2", session));
        Assert.Equal("the login session has ended", await Issue("db2", session, ca));

        async Task<string> Issue(string? node, string? within, Authority? other = null)
        {
            try
            {
                var of = other ?? strict;
                return (await Logins.Issue(of, other is null ? bob : Alice, new Login(Key, Node: node, Session: within))).Session!;
            }
            catch (ProblemException e)
            {
                return e.Message;
            }
        }
    }

    private static string Key { get; } = new Ed25519PublicKey(Numbers.Point()).ToLine("a key");

    public async Task InitializeAsync()
    {
        var key = FileCaKey.LoadOrCreate(folder.File("user_ca"), CaPurpose.User);
        var user = new CaKeys(key, []);
        var current = new CurrentKeys(new KeyRing(user, new CaKeys(FileCaKey.LoadOrCreate(folder.File("host_ca"), CaPurpose.Host), []), user));
        krl = new KrlPublisher(world.Database, TimeProvider.System, new ListOrigin("0123456789abcdef", "01234567", []), new Manifests(AuditKey.LoadOrCreate(folder.File("audit_key")), "0123456789abcdef", current), folder.File("revoked.krl"), NullLogger.Instance);
        await krl.StartAsync(CancellationToken.None);
        await krl.Publish();
        user = user with { Ids = [(await world.Database.Commit(transaction => transaction.CaKey(CaPurpose.User, key.PublicKey, World.Now))).Id] };
        current.Now = current.Now with { User = user, Sync = user };
        ca = new Authority(world.Database, new SteadyClock(TimeProvider.System, "boot", before: null), current, krl, new RequestWatch(), new RateLimit<uint>(TimeProvider.System), new RefusalLimit(TimeProvider.System), SiteLimits.Default with { LiveCertificatesPerUser = 1000, LoginsPerMinute = 1000, RequestsPerMinute = 100_000, RequestsPerDay = 100_000 }, [])
        {
            Push = new HostPush(world.Database, TimeProvider.System, krl, current, new Manifests(AuditKey.LoadOrCreate(folder.File("audit_key")), "0123456789abcdef", current), new Checkpoints(world.Database, AuditKey.LoadOrCreate(folder.File("audit_key")), new CheckpointFile(folder.File("audit_checkpoint"), AuditKey.LoadOrCreate(folder.File("audit_key"))), TimeProvider.System, NullLogger.Instance), folder.File("push"), World.DefaultSettings, NullLogger.Instance),
            Groups = new Groups(TimeProvider.System),
            Uids = new UidBook(TimeProvider.System, _ => null),
            Damage = new Damage(world.Database, [], TimeProvider.System),
            AuditRemoval = new AuditRemoval(world.Database, TimeProvider.System, NullLogger.Instance),
            Checkpoints = new Checkpoints(world.Database, AuditKey.LoadOrCreate(folder.File("audit_key")), new CheckpointFile(folder.File("audit_checkpoint"), AuditKey.LoadOrCreate(folder.File("audit_key"))), TimeProvider.System, NullLogger.Instance),
        };
        await world.Database.Commit(transaction =>
        {
            transaction.BeginSerialEpoch(World.Now);
            RoleRow.Table.Put(transaction, Role("contractor", new RoleConditions([], LabelSelector.None, [NamePattern.TryParse("dba", out _)!])
            {
                Asking = RequestRules.None with { Thresholds = [new ReviewThreshold("", null, 3, 2)] },
            }));
            RoleRow.Table.Put(transaction, Role("reviewer", RoleConditions.Empty with { Reviewing = new ReviewConditions([NamePattern.TryParse("*", out _)!], null) }));
            for (var i = 0; i < 20; i++)
                UserRow.Table.Put(transaction, World.User($"reviewer{i}") with { Roles = ["reviewer"] });
            RoleRow.Table.Put(transaction, Role("dba", new RoleConditions([Template.TryParse("postgres", out _)!], LabelSelector.All, [])));
            UserRow.Table.Put(transaction, World.User("alice") with { Roles = ["contractor"] });
            return true;
        });
    }

    public async Task DisposeAsync()
    {
        await krl.StopAsync(CancellationToken.None);
        krl.Dispose();
        await world.DisposeAsync();
        ca.Keys.User.Signing.Dispose();
        folder.Dispose();
    }

    /// <summary>The serial, or null when it was refused.</summary>
    private async Task<string?> Login(string request)
    {
        try
        {
            return (await Logins.Issue(ca, Alice, new Login(Key, Requests: [request]))).Info!.Serial;
        }
        catch (ProblemException e) when (e.Problem.Code == ProblemCode.Denied)
        {
            return null;
        }
    }

    private static Role Role(string name, RoleConditions allow) =>
        new(Guid.NewGuid(), name, "v8", 1, "", ImmutableSortedDictionary<string, string>.Empty, null, allow, RoleConditions.Empty, RoleOptions.None);

    private static Caller Reviewer(int number) => new(new UnixIdentity((uint)(6000 + number), $"reviewer{number}"), IsRoot: false);

    /// <summary>The time of the machine, until it is told to jump.</summary>
    private sealed class JumpingClock : TimeProvider
    {
        private long ahead;

        public TimeSpan Ahead
        {
            set => Interlocked.Exchange(ref ahead, value.Ticks);
        }

        // Time goes by; nobody sets the clock.
        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => GetUtcNow().Ticks;

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref ahead));
    }

    private static List<T> Shuffled<T>(IEnumerable<T> items) => [.. items.OrderBy(_ => Guid.NewGuid())];

    private List<string> Events(string id) =>
        [.. ca.Database.Read(snapshot => snapshot.AuditEntries(new ListAudit())).Where(entry => entry.Request == id && entry.Event != "request.created").Select(entry => entry.State!).Reverse()];
}
