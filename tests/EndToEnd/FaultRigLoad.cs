using CertAuthority.Protocol;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>
/// Callers of both daemons: they log in, request, approve, deny, lock, unlock, revoke, edit a role and wait, and report to the witness what
/// was acknowledged. Each repeats a decision until it is, at one daemon and at the other in turn.
/// </summary>
internal sealed class FaultRigLoad : IAsyncDisposable
{
    /// <summary>As long as a call may take when a machine stands still.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(50);

    // As long as a waiter may still wait once the approval is acknowledged and every fault is over.
    private static readonly TimeSpan UntilWoken = TimeSpan.FromSeconds(30);

    private readonly FaultRigWitness witness;
    private readonly string key;
    private readonly CaClient[] one;
    private readonly CaClient[] both;
    private readonly CancellationTokenSource over = new();
    private readonly Task[] callers;
    private volatile bool isQuiet;
    private int busy;
    private int edit;

    /// <param name="witness">Hears of everything that is acknowledged.</param>
    /// <param name="daemons">The two daemons.</param>
    /// <param name="key">The public key to certify.</param>
    public FaultRigLoad(FaultRigWitness witness, TestDaemon[] daemons, string key)
    {
        (this.witness, this.key) = (witness, key);
        one = [.. daemons.Select(daemon => new CaClient(ServerAddress.TryParse(daemon.Server)!, _ => true, Patience))];
        both = [.. ((TestDaemon[][])[daemons, [daemons[1], daemons[0]]]).Select(
            order => new CaClient(ServerList.TryParse(string.Join(',', order.Select(daemon => daemon.Server)))!, _ => true, Patience))];
        callers =
        [
            Repeat(LogIn, 0), Repeat(LogIn, 1), Repeat(LogIn, 0), Repeat(LogIn, 1), Repeat(Request, 0), Repeat(Request, 1),
            Repeat(Lock, 0), Repeat(Lock, 1), Repeat(Revoke, 0), Repeat(Edit, 0), Repeat(Await, 0), Repeat(Await, 1),
        ];
    }

    /// <summary>The users, and what they may request.</summary>
    public const string Resources = """
        {kind: role, version: v8, metadata: {name: oncall}, spec: {allow: {logins: [postgres], node_labels: {type: db}}}}
        ---
        {kind: role, version: v8, metadata: {name: caller}, spec: {allow: {request: {roles: [oncall]}}}}
        ---
        {kind: role, version: v8, metadata: {name: edited}, spec: {allow: {logins: [u0u], node_labels: {type: db}}}}
        ---
        {kind: user, version: v2, metadata: {name: load0}, spec: {roles: [dba], unix_users: ['0']}}
        ---
        {kind: user, version: v2, metadata: {name: load1}, spec: {roles: [dba], unix_users: ['0']}}
        ---
        {kind: user, version: v2, metadata: {name: asker0}, spec: {roles: [dba, caller], unix_users: ['0']}}
        ---
        {kind: user, version: v2, metadata: {name: asker1}, spec: {roles: [dba, caller], unix_users: ['0']}}
        ---
        {kind: user, version: v2, metadata: {name: waiter}, spec: {roles: [dba, caller], unix_users: ['0']}}
        ---
        {kind: user, version: v2, metadata: {name: locked0}, spec: {roles: [dba], unix_users: ['0']}}
        ---
        {kind: user, version: v2, metadata: {name: locked1}, spec: {roles: [dba], unix_users: ['0']}}
        ---
        {kind: user, version: v2, metadata: {name: leaver}, spec: {roles: [dba], unix_users: ['0']}}
        ---
        {kind: user, version: v2, metadata: {name: editor}, spec: {roles: [edited], unix_users: ['0']}}
        """;

    /// <summary>The certificate that arrived last, and is not revoked.</summary>
    public string? Latest { get; private set; }

    /// <summary>A certificate that was revoked last.</summary>
    public string? LatestRevoked { get; private set; }

    /// <summary>Returns when every call that is under way has its answer; none begins before <see cref="GoOn"/>.</summary>
    public async Task Rest()
    {
        isQuiet = true;
        await Eventually.Holds(() => busy == 0, "every call gets an answer");
        foreach (var faulty in callers.Where(caller => caller.IsFaulted))
            await faulty;
    }

    public void GoOn() => isQuiet = false;

    /// <summary>Returns when each daemon has issued a certificate that was asked for after this call.</summary>
    public async Task Progress()
    {
        foreach (var n in (int[])[0, 1])
            await Eventually.Holds(async () => await Attempt(() => Issue(n, "load0")), $"daemon {n + 1} issues");
        await Eventually.Holds(async () => await Attempt(() => both[0].Send(Routes.GetStatus, new GetStatus())), "one of them leads");
    }

    /// <summary>Which of the two leads; -1 if neither says so.</summary>
    public async Task<int> Leader()
    {
        for (var n = 0; n < 2; n++)
            try
            {
                using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
                await one[n].Send(Routes.ListKinds, new ListKinds(), limit.Token);
                return n;
            }
            catch (Exception e) when (e is ProblemException or UnreachableException or OperationCanceledException)
            {
                // It is the other one.
            }
        return -1;
    }

    /// <summary>Has somebody file a request, as it is done by hand.</summary>
    public async Task Approve(string request)
    {
        witness.Filed(request);
        await Decide(0, ca => ca.Send(Routes.ApproveRequest, new ApproveRequest(request)), "APPROVED");
        witness.Approved(request);
    }

    /// <summary>Ends all calls, whether they have their answers or not.</summary>
    public async Task Stop()
    {
        await over.CancelAsync();
        isQuiet = false;
        await Task.WhenAny(Task.WhenAll(callers), Task.Delay(Patience));
    }

    public async ValueTask DisposeAsync()
    {
        await Stop();
        foreach (var client in one.Concat(both))
            client.Dispose();
        over.Dispose();
    }

    private Task Repeat(Func<int, int, Task> act, int daemon) => Task.Run(async () =>
    {
        for (var n = 0; !over.IsCancellationRequested;)
        {
            Interlocked.Increment(ref busy);
            try
            {
                if (!isQuiet)
                    await act(daemon, n++);
            }
            catch (Exception e) when (e is ProblemException or UnreachableException || over.IsCancellationRequested)
            {
                witness.Count("unanswered or refused");
                await Task.Delay(50);
            }
            finally
            {
                Interlocked.Decrement(ref busy);
            }
            await Task.Delay(80);
        }
    });

    private async Task LogIn(int daemon, int n) => Latest = (await Issue(daemon, $"load{n % 2}")).Line;

    private async Task<(ulong Serial, string Line)> Issue(int daemon, string user, string? request = null)
    {
        var asked = FaultRigWitness.Now;
        var answer = await one[daemon].Send(Routes.Login, new Login(key, user, request is null ? null : [request], "5m"), over.Token);
        ulong serial = 0;
        foreach (var certificate in answer.Certificates)
        {
            var arrived = witness.Got(certificate.Certificate, user, asked, certificate.Info.Requests.Contains(request) ? request : null);
            serial = serial == 0 ? arrived : serial;
        }
        return (serial, answer.Certificates[0].Certificate);
    }

    /// <summary>A request is approved on the other daemon, used on both, and denied while both issue by it.</summary>
    private async Task Request(int daemon, int n)
    {
        var user = $"asker{daemon}";
        var id = (await one[daemon].Send(Routes.CreateRequest, new CreateRequest(["oncall"], user, Force: true), over.Token)).Metadata.Name;
        witness.Filed(id);
        await Decide(1 - daemon, ca => ca.Send(Routes.ApproveRequest, new ApproveRequest(id), over.Token), "APPROVED");
        witness.Approved(id);
        var logins = Enumerable.Range(0, 4).Select(many => Task.Run(async () =>
        {
            for (var again = 0; again < 2; again++)
                await Attempt(() => Issue(many % 2, user, id));
        })).ToList();
        await Task.Delay(n * 7 % 40);
        if (n % 4 == 3)
            await Decide(daemon, ca => ca.Send(Routes.DropRequest, new EndMyRequest(id, user), over.Token), "CANCELLED");
        else
            await Decide(n % 2, ca => ca.Send(Routes.DenyRequest, new DenyRequest(id), over.Token), "DENIED");
        witness.Denied(id);
        await Task.WhenAll(logins);
        await Attempt(() => Issue(n % 2, user, id));
        await Attempt(() => Issue(1 - (n % 2), user, id));
    }

    /// <summary>A user is locked in one turn and unlocked in the next, so that somebody is locked when a fault comes.</summary>
    private async Task Lock(int daemon, int n)
    {
        var user = $"locked{daemon}";
        if (n % 2 == 1)
        {
            witness.Unlocking(user);
            await Until(async () =>
            {
                foreach (var name in (await both[daemon].Send(Routes.GetResources, new GetResources("lock"), over.Token)).Resources
                    .Where(one => one.ToString().Contains(user, StringComparison.Ordinal)).Select(one => one.GetProperty("metadata").GetProperty("name").GetString()!))
                    await both[daemon].Send(Routes.RemoveResource, new RemoveResource("lock", name), over.Token);
            });
            return;
        }
        var logins = Enumerable.Range(0, 4).Select(many => Task.Run(() => Attempt(() => Issue(many % 2, user)))).ToList();
        await Decide(daemon, ca => ca.Send(Routes.Lock, new CreateLock(User: user), over.Token), null);
        witness.Locked(user);
        await Task.WhenAll(logins);
        await Attempt(() => Issue(daemon, user));
        await Attempt(() => Issue(1 - daemon, user));
    }

    private async Task Revoke(int daemon, int n)
    {
        var (serial, line) = await Issue(n % 2, "leaver");
        await Decide((n / 2) % 2, ca => ca.Send(Routes.RevokeCertificates, new RevokeCertificates([$"{serial}"]), over.Token), null);
        witness.Revoked(serial);
        LatestRevoked = line;
        await Task.Delay(50);
    }

    private async Task Edit(int daemon, int n)
    {
        var logins = Enumerable.Range(0, 2).Select(many => Task.Run(() => Attempt(() => Issue(many, "editor")))).ToList();
        var number = ++edit;
        var role = $"{{kind: role, version: v8, metadata: {{name: edited}}, spec: {{allow: {{logins: [u{number}u], node_labels: {{type: db}}}}}}}}";
        await Until(() => both[n % 2].Send(Routes.ApplyResources, new ApplyResources(System.Text.Encoding.UTF8.GetBytes(role), "role.yaml", Force: true), over.Token));
        witness.Edited(number);
        await Task.WhenAll(logins);
        await Task.Delay(100);
    }

    /// <summary>Somebody waits at both daemons for an approval.</summary>
    private async Task Await(int daemon, int n)
    {
        var filed = await both[daemon].Send(Routes.CreateRequest, new CreateRequest(["oncall"], "waiter", Force: true), over.Token);
        var id = filed.Metadata.Name;
        witness.Filed(id);
        var waiting = Task.Run(async () =>
        {
            var request = filed;
            while (request.Spec.State == RequestStates.Pending)
                await Until(async () => request = await both[daemon].Send(Routes.GetMyRequest, new GetMyRequest(id, "waiter", request.Metadata.Revision, "25s"), over.Token));
            return request.Spec.State;
        });
        await Task.Delay(n * 37 % 1500);
        await Decide(n % 2, ca => ca.Send(Routes.ApproveRequest, new ApproveRequest(id), over.Token), "APPROVED");
        witness.Approved(id);
        // While a fault lasts, the waiter may be at a machine that stands still.
        while (!waiting.IsCompleted && !isQuiet && !over.IsCancellationRequested)
            await Task.WhenAny(waiting, Task.Delay(50));
        if (await Task.WhenAny(waiting, Task.Delay(UntilWoken, over.Token)) != waiting && !over.IsCancellationRequested)
            witness.Violated("waiter lost", $"request {id} is approved, and who waits for it has no answer");
        else if (await waiting is var state && state != RequestStates.Approved)
            witness.Violated("waiter lost", $"request {id} is approved, and who waited for it got {state}");
        else
            witness.Count("waiters woken");
        await Decide(n % 2, ca => ca.Send(Routes.DenyRequest, new DenyRequest(id), over.Token), "DENIED");
        witness.Denied(id);
    }

    /// <summary>Has a decision taken: it may have been, by a call whose answer was lost, or stand before its list is written.</summary>
    private async Task Decide<T>(int daemon, Func<CaClient, Task<T>> ask, string? state)
    {
        for (var tries = 0; !over.IsCancellationRequested; tries++)
            try
            {
                await ask(one[(daemon + tries) % 2]);
                return;
            }
            catch (ProblemException done) when (tries > 0 && state is not null && done.Problem.Code == ProblemCode.Conflict && done.Message.Contains($" is {state}", StringComparison.Ordinal))
            {
                return;
            }
            catch (ProblemException stands) when (stands.Message.StartsWith("the decision stands", StringComparison.Ordinal))
            {
                witness.Count("decisions before their list");
                return;
            }
            catch (Exception e) when (e is UnreachableException or ProblemException { Problem.Code: ProblemCode.Unavailable or ProblemCode.Internal })
            {
                witness.Count("unanswered or refused");
                await Task.Delay(50);
            }
        over.Token.ThrowIfCancellationRequested();
    }

    private async Task Until(Func<Task> act)
    {
        while (true)
            try
            {
                await act();
                return;
            }
            catch (Exception e) when (e is UnreachableException or ProblemException { Problem.Code: ProblemCode.Unavailable or ProblemCode.Internal or ProblemCode.Elsewhere })
            {
                over.Token.ThrowIfCancellationRequested();
                witness.Count("unanswered or refused");
                await Task.Delay(50);
            }
    }

    private static async Task<bool> Attempt<T>(Func<Task<T>> act)
    {
        try
        {
            await act();
            return true;
        }
        catch (Exception e) when (e is ProblemException or UnreachableException)
        {
            return false;
        }
    }
}
