using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Nodes;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Auditing;
using CertAuthority.Configuration;
using CertAuthority.Jobs;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Push;
using CertAuthority.Revocation;
using CertAuthority.Signing;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace CertAuthority.Tests.Unit.Model;

/// <summary>The daemon did something else than the rules say. The message has what is needed to see it again.</summary>
internal sealed class DeviationException(string message) : Exception(message);

/// <summary>
/// Takes random steps with the real operations on a real database file, and the same steps with the evaluator, and compares all that can be seen after each.
/// Every so many steps it begins anew with an empty database, so that a deviation is found again with few steps.
/// </summary>
internal sealed partial class ModelRun : IAsyncDisposable
{
    /// <summary>After so many steps comes the next world.</summary>
    public const int StepsAWorld = 200;

    private const int Shown = 25;

    private static readonly string[] People = ["alice", "bob", "carol", "dave"];
    private static readonly string[] Accounts = ["a1", "a2", "a3", "a4", "adm"];
    private static readonly string[] GroupAccounts = ["gina", "hugo"];
    private static readonly string[] Granting = ["dba", "web", "ops"];
    private static readonly string[] RoleNames = ["asker", "helper", "reviewer", "lead", .. Granting];
    private static readonly string[] LoginNames = ["root", "app", "pg"];
    private static readonly string[] NodeNames = ["n1", "n2", "n3"];
    private static readonly string[] Environments = ["prod", "test"];
    private static readonly string Key = new Ed25519PublicKey([7, .. Enumerable.Repeat((byte)7, 31)]).ToLine("a key");
    private static readonly Administrator Root = new(new Caller(new UnixIdentity(0, "root"), IsRoot: true));

    private readonly ulong seed;
    private readonly Dice dice;
    private readonly Evaluator rules;
    private readonly Machine machine = new();
    private readonly string folder = System.IO.Directory.CreateTempSubdirectory("certauthority-model-").FullName;
    private readonly List<string> steps = [];
    private readonly FileCaKey key;
    private Database database = null!;
    private KrlPublisher krl = null!;
    private Authority ca = null!;
    private ClockWatch watch = null!;
    private int checkedRevocations;
    private bool wasStepped;

    private ModelRun(ulong seed, Rule? without)
    {
        (this.seed, dice) = (seed, new Dice(seed));
        rules = new Evaluator(without) { Machine = machine };
        key = FileCaKey.LoadOrCreate(InFolder("user_ca"), CaPurpose.User);
    }

    /// <summary>Takes so many steps, in as many worlds as it takes. The seed of each world is one more than that of the one before.</summary>
    /// <param name="seed">Of the first world.</param>
    /// <param name="count">How many steps.</param>
    /// <param name="without">The rule that the evaluator is to forget; null for none.</param>
    /// <param name="done">Told how many steps were taken, after each world.</param>
    /// <exception cref="DeviationException">The daemon and the evaluator disagree.</exception>
    public static async Task Take(ulong seed, int count, Rule? without = null, Action<int>? done = null)
    {
        for (var taken = 0; taken < count; seed++)
        {
            var now = Math.Min(StepsAWorld, count - taken);
            await using var world = new ModelRun(seed, without);
            await world.Take(now);
            taken += now;
            done?.Invoke(taken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Stop();
        key.Dispose();
        System.IO.Directory.Delete(folder, recursive: true);
    }

    private async Task Take(int count)
    {
        await Begin();
        foreach (var name in RoleNames)
            await Expect(PutRole(name));
        foreach (var name in People)
            await Expect(PutUser(name));
        foreach (var name in NodeNames)
            await Expect(PutNode(name));
        for (var number = 0; number < count; number++)
        {
            machine.Pass(dice.OneIn(4) ? 6 : 20 + dice.Throw(100));
            await Expect(Next());
        }
        Compare("the audit", "", string.Join("; ", database.Read(snapshot => snapshot.StoredAudit(0, int.MaxValue)).Select(entry => AuditFields.Fault(entry.Json)).OfType<string>().Distinct()));
    }

    private async Task Begin()
    {
        foreach (var (name, number) in Accounts.Select((name, number) => (name, number)))
            machine.Accounts[name] = (uint)(1001 + number);
        (machine.Accounts["gina"], machine.Accounts["hugo"]) = (1101, 1102);
        (machine.Groups["g1"], machine.Groups["g2"]) = (["gina"], ["gina", "hugo"]);
        await Start();
    }

    // ---- One step ----

    /// <summary>A step, as the daemon and as the evaluator take it: both say whether it was done.</summary>
    private sealed record Step(string Words, Func<Task> Daemon, Func<bool> Rules);

    private async Task Expect(Step step)
    {
        rules.Notice();
        steps.Add($"{Written.Time(machine.Shown)}{(machine.IsStepped ? "!" : "")} {step.Words}");
        string? refused = null;
        try
        {
            await step.Daemon();
        }
        catch (ProblemException e)
        {
            refused = string.Join("; ", [e.Message, .. e.Problem.Faults ?? []]);
        }
        steps[^1] += refused is null ? "" : $" (refused: {refused})";
        var isDone = step.Rules();
        Compare("the step", isDone ? "done" : "refused", refused is null ? "done" : "refused");
        // It has nothing else to do but to record the time, and does that where it is needed below.
        if (machine.IsStepped != wasStepped || machine.IsStepped)
            await watch.Once(CancellationToken.None);
        wasStepped = machine.IsStepped;
        rules.Notice();
        CompareAll();
    }

    private void Compare(string what, string expected, string actual)
    {
        if (expected != actual)
            throw new DeviationException(
                $"""
                seed {seed}, step {steps.Count}: {what}
                  the rules say: {expected}
                  the daemon:    {actual}
                to see it again: dotnet run --project bench -c Release -- model {seed} {steps.Count}
                the last steps:
                {string.Join('\n', steps.TakeLast(Shown).Select(step => $"  {step}"))}
                """);
    }

    private void CompareAll()
    {
        var now = ca.Now();
        database.Read(snapshot =>
        {
            var (users, policy) = (snapshot.Users(), snapshot.Policy());
            Compare("users and their roles", Lines(rules.Users.Values.Select(user => $"{user.Name}: {string.Join(',', user.Roles)}")), Lines(users.Select(user => $"{user.Name}: {string.Join(',', user.Roles)}")));
            var requests = snapshot.RequestPage(new RequestWish([], null, null, null, RequestOrder.Created, null, null), now).Requests;
            Compare("requests", Lines(rules.Requests.Select(Words)), Lines(requests.Select(request => Words(request, now))));
            Compare("live certificates", Lines(rules.Live), Lines(snapshot.LiveCertificates(now).Select(one => one.Serial.ToString())));
            Compare("certificates to be on the revocation list", Lines(rules.Listed), Lines(snapshot.RevokedSerials(now).Select(one => one.Serial.ToString())));
            foreach (var user in users)
                foreach (var request in requests.Where(request => request.UserName == user.Name && request.StoredState == RequestState.Approved).OrderByDescending(request => request.Created).Take(2).Prepend(null))
                {
                    AccessRequest[] used = request is null ? [] : [request];
                    var question = new IssuanceQuestion(now, user, [.. used], policy.Roles, policy.EveryNode, null, snapshot.LiveCertificates(user.Id, now).Select(one => one.Session ?? one.Serial).Distinct().Count(), ca.Limits) { Locks = policy.LocksAt(now) };
                    var granted = ca.Clock.Step is null && IssuancePolicy.Decide(question).Holds(out var grant, out _) ? grant : null;
                    var expected = rules.Grant(rules.Users[user.Name], [.. used.Select(one => rules.Requests.Single(mine => mine.Id == one.Id.ToString()))]);
                    Compare(
                        $"what a login would grant {user.Name}{(request is null ? "" : $" with the request {Short(request.Id.ToString())}")}",
                        expected is null ? "nothing" : Lines(expected.Select(one => $"{string.Join(',', one.Principals)} until {Written.Time(one.Ends)}")),
                        granted is null ? "nothing" : Lines(granted.Grants.Select(one => $"{string.Join(',', one.Principals.Select(principal => principal.ToString()).Order(StringComparer.Ordinal))} until {Time(one.Validity.Before)}")));
                }
            return true;
        });
        var revoked = rules.Certificates.Count(one => one.Revoked);
        if (revoked == checkedRevocations)
            return;
        checkedRevocations = revoked;
        var listed = Krl.Parse(ca.Krl.Read()).Revoked;
        var missing = rules.Certificates.Where(one => one.Revoked && one.Ends > rules.Now && !IsListed(one)).ToList();
        Compare("what the list on the disk lacks", "", string.Join(',', missing.Select(one => one.Serial)));
        Compare("what the list on the disk has too much", "", string.Join(',', rules.Certificates.Where(one => !one.Revoked && IsListed(one)).Select(one => one.Serial)));

        bool IsListed(ModelCertificate one) => ulong.Parse(one.Serial) is var serial && listed.Any(range => range.First <= serial && serial <= range.Last);
    }

    private static string Lines(IEnumerable<string> lines) => string.Join(" | ", lines.Order(StringComparer.Ordinal));

    private string Words(ModelRequest one) => Words(one.Id, rules.StateOf(one).ToString(), one.Granted.Select(pin => pin.Name), one.State switch
    {
        ModelState.Pending => one.PendingUntil,
        ModelState.Approved => one.AccessUntil,
        _ => 0,
    });

    private static string Words(AccessRequest one, DateTimeOffset now) => Words(one.Id.ToString(), one.StateAt(now).ToString(), one.GrantedRoles.Select(role => role.Name), one.StateAt(now) switch
    {
        RequestState.Pending => one.PendingUntil.ToUnixTimeSeconds(),
        RequestState.Approved => one.AccessUntil.ToUnixTimeSeconds(),
        _ => 0,
    });

    // When it has ended it does not matter when it would have.
    private static string Words(string id, string state, IEnumerable<string> granted, long until) =>
        $"{Short(id)} {state}{(state is "Pending" or "Approved" ? $" until {Written.Time(until)}" : "")} ({string.Join(',', granted)})";

    private static string Time(DateTimeOffset time) => Written.Time(time.ToUnixTimeSeconds());

    private static string Short(string id) => id[..8];

    private string InFolder(string name) => Path.Combine(folder, name);

    /// <summary>Applies a resource, and checks that a dry run says exactly what is then taken away.</summary>
    private async Task Apply(bool force, JsonObject resource)
    {
        var ask = new ApplyResources(Encoding.UTF8.GetBytes(resource.ToJsonString()), "a file", force);
        var plan = await Outcome(ResourceFiles.Apply(ca, Root, ask with { DryRun = true }));
        var applied = await Outcome(ResourceFiles.Apply(ca, Root, ask));
        if (Said(plan) != Said(applied))
            throw new InvalidOperationException($"the dry run said {Said(plan)}, and then came {Said(applied)}");
        if (applied.Refusal is not null)
            throw applied.Refusal;

        static async Task<(AppliedResources? Done, ProblemException? Refusal)> Outcome(Task<AppliedResources> call)
        {
            try
            {
                return (await call, null);
            }
            catch (ProblemException refused)
            {
                return (null, refused);
            }
        }

        static string Said((AppliedResources? Done, ProblemException? Refusal) outcome) => outcome.Done is { } done
            ? $"{string.Join(' ', done.Resources.Select(one => (one.Kind, one.Name, one.What)))}; revoked {string.Join(' ', done.Revoked.Order())}; ended {string.Join(' ', done.Ended.Order())}"
            : outcome.Refusal!.Problem.Detail;
    }

    private static Authority With(Authority ca, (long Certificate, long Access, long Pending) limits, Dictionary<string, string[]> groups) => ca with
    {
        Limits = new SiteLimits(TimeSpan.FromSeconds(limits.Certificate), TimeSpan.FromSeconds(limits.Pending), Evaluator.MostPending, Evaluator.MostLogins, 1_000_000)
        {
            Access = TimeSpan.FromSeconds(limits.Access),
            RequestsPerMinute = Evaluator.MostAMinute,
            RequestsPerDay = Evaluator.MostADay,
        },
        UsersFromGroups = new UsersFromGroups(groups.ToImmutableSortedDictionary(one => one.Key, one => one.Value.ToImmutableArray(), StringComparer.Ordinal)),
    };

    /// <summary>As the daemon starts, as far as it decides anything.</summary>
    private async Task Start()
    {
        database = TestStore.Open(InFolder("certauthority.db"));
        var path = InFolder("revoked.krl");
        var published = PublishedKrl.At(path);
        var clock = new SteadyClock(machine, machine.Boot, database.Read(snapshot => snapshot.ClockRecord()));
        var time = clock.GetUtcNow();
        database.ExpectReadable(time);
        var (id, origin) = await database.Commit(transaction =>
        {
            KeyChange.Expect(transaction, new CaKeys(key, []), published, isRestored: false, time);
            transaction.BeginSerialEpoch(time);
            Clocks.KeepExpired(transaction, clock);
            return (transaction.CaKey(CaPurpose.User, key.PublicKey, time).Id, transaction.BeginRun(isRestored: false));
        });
        var keys = new CaKeys(key, []) { Ids = [id] };
        var ring = new CurrentKeys(new KeyRing(keys, keys, keys));
        krl = new KrlPublisher(database, clock, origin, new Manifests(AuditKey.LoadOrCreate(InFolder("audit_key")), origin.Installation, ring), path, NullLogger.Instance);
        await krl.StartAsync(CancellationToken.None);
        await krl.Publish();
        var settings = new CurrentSettings(new SettingsInForce(Settings.Default(), []));
        ca = With(
            new Authority(database, clock, ring, krl, new RequestWatch(), new RateLimit<uint>(clock), new RefusalLimit(clock), SiteLimits.Default, [])
            {
                // In every second world nothing is taken back in the transaction of a change; all of it is owed.
                ReviewedAtOnce = seed % 2 == 0 ? 1000 : 0,
                Push = new HostPush(database, clock, krl, ring, new Manifests(AuditKey.LoadOrCreate(InFolder("audit_key")), origin.Installation, ring), new Checkpoints(database, AuditKey.LoadOrCreate(InFolder("audit_key")), new CheckpointFile(InFolder("audit_checkpoint"), AuditKey.LoadOrCreate(InFolder("audit_key"))), clock, NullLogger.Instance), InFolder("push"), settings, NullLogger.Instance),
                Groups = new Groups(clock, (command, _) => Task.FromResult(machine.Run(command))),
                // The rules know of no answer that may be older than the others.
                Uids = new UidBook(clock, account => machine.UidOf(account)) { Known = NameService.Kept },
                Damage = new Damage(database, [], clock),
                AuditRemoval = new AuditRemoval(database, TimeProvider.System, NullLogger.Instance),
                Checkpoints = new Checkpoints(database, AuditKey.LoadOrCreate(InFolder("audit_key")), new CheckpointFile(InFolder("audit_checkpoint"), AuditKey.LoadOrCreate(InFolder("audit_key"))), clock, NullLogger.Instance),
            },
            rules.Limits,
            rules.RolesOfGroups.ToDictionary());
        watch = new ClockWatch(new CurrentAuthority(ca, settings), NullLogger.Instance);
        await watch.Once(CancellationToken.None);
    }

    private async Task Stop()
    {
        if (ca is null)
            return;
        await krl.StopAsync(CancellationToken.None);
        krl.Dispose();
        ca.Push.Dispose();
        await database.DisposeAsync();
    }
}
