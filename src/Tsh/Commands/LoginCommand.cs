using System.Buffers.Text;
using System.CommandLine;
using System.Text;
using System.Text.Json;
using CertAuthority.Linux;
using CertAuthority.Proofs;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh login</c>.</summary>
internal sealed class LoginCommand : CliCommand
{
    private readonly DurationOption ttl = new("--ttl", "A shorter life than your roles allow, such as 30m");
    private readonly Option<string?> node = new("--node")
    {
        HelpName = "NODE",
        Description = "Only for this host",
        CompletionSources = { UserCompletions.Nodes }
    };
    private readonly ListOption requestIds = new("--request-id", "Approved requests to use", "ID")
    {
        CompletionSources = { UserCompletions.Requests(RequestStates.Approved) }
    };
    private readonly ListOption roles = new("--request-roles", "Ask for these roles, wait for the answer, and log in with them", "ROLE")
    {
        CompletionSources = { UserCompletions.RequestableRoles }
    };
    private readonly Option<string?> reason = new("--request-reason") { HelpName = "TEXT", Description = "Why you ask" };
    private readonly ListOption reviewers = new("--request-reviewers", "Who should be told that you ask", "USER");
    private readonly LifetimeOptions lifetimes = new();
    private readonly Option<bool> noWait = new("--request-nowait")
    {
        Description = "Log in with your regular roles now; the request stays"
    };
    private readonly TimeSpanOption wait = new("--wait", "Give up waiting after this long");
    private readonly Option<string?> keyFile = new("--key")
    {
        HelpName = "FILE.pub",
        Description = "Certify this public key of yours (hardware keys too) instead of tsh's; the certificate goes to FILE-cert.pub"
    };
    private readonly Option<string?> outFile = new("--out")
    {
        HelpName = "FILE",
        Description = "With --key: where the certificate goes. Without: make a new key FILE, with FILE.pub and FILE-cert.pub"
    };

    private readonly Option<string?> proofFile = new("--proof")
    {
        HelpName = "FILE",
        Description = "Write the proof that this login is in the audit to FILE; it takes about a second"
    };

    private readonly ListOption acceptHostCa = new(
        HostCasFile.Accepting, "Believe these host CA keys, whose fingerprints an administrator read out to you", "FINGERPRINT")
    {
        Items = (IsFingerprint, "fingerprints such as SHA256:…, as tctl status shows them")
    };

    private readonly AgentOption agent = new();

    public LoginCommand()
        : base(
            "login",
            "Gets a certificate",
            "tsh login --user=alice",
            "tsh login --server=ssh://auth1,ssh://auth2",
            "tsh login --request-roles=dba --request-reason=\"performing DB migration tonight\"",
            "tsh login --request-id=bc8ca931-fec9-4b15-9a6f-20c13c5641a9",
            "tsh login --key ~/.ssh/id_ed25519_sk.pub")
    {
        Option[] asking = [reason, reviewers, .. lifetimes.All, noWait, wait];
        Options.Add(ttl);
        Options.Add(node);
        Options.Add(requestIds);
        Options.Add(roles);
        foreach (var option in asking)
            Options.Add(option);
        foreach (var file in new[] { keyFile, outFile, proofFile })
        {
            file.Validators.Add(given =>
            {
                if (given.Tokens is [{ Value: "" }])
                    given.AddError($"{file.Name} takes the name of a file");
            });
            file.CompletionSources.Add(Suggestions.Files);
            Options.Add(file);
        }
        Options.Add(acceptHostCa);
        Options.Add(agent);
        Options.Add(new FormatOption());
        Validators.Add(result =>
        {
            if (result.GetResult(roles) is null
                && asking.FirstOrDefault(option => result.GetResult(option) is { Implicit: false }) is { } stray)
                result.AddError($"{stray.Name} goes with --request-roles");
            if (result.GetResult(acceptHostCa) is not null && result.GetResult(keyFile) is not null && result.GetResult(outFile) is null)
                result.AddError($"{acceptHostCa.Name} is about a file of tsh's, and --key without --out writes none");
            if (result.GetResult(agent) is not null && (result.GetResult(keyFile) is not null || result.GetResult(outFile) is not null))
                result.AddError($"{agent.Name} is about tsh's own key: it goes neither with --key nor with --out");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var home = Home.Chosen(parsed);
        var user = UserOption.Chosen(parsed, home);
        var nowait = parsed.GetValue(noWait);
        var memory = home.Memory;
        var use = parsed.GetValue(agent) ?? memory.Agent;
        using var key = LoginKey.Chosen(home, parsed.GetValue(keyFile), parsed.GetValue(outFile), use ?? AgentUse.Auto);
        var named = ServerOption.Named(parsed);
        if (named is null && memory.Servers is null && !ServerOption.IsOnThisHost())
            named = await AskForServer(parsed, cancellation);
        // Only the user says that another daemon is meant; what it says of itself proves nothing.
        var isAnother = key.IsOfHome && named is not null && home.IsOfAnother(named);
        // Fingerprints that the user has compared say whose servers these are.
        var servers = named ?? ServerOption.Chosen(parsed);
        using var ca = ServerOption.Connect(
            parsed, servers,
            acceptHostCa.Given(parsed) is not null ? null : key is { IsOfHome: false, HostCas: { } known } ? known.Installation
            : home.InstallationOf(servers));
        await key.ExpectOwnCertificate(ca, user, cancellation);
        var publicKey = await key.PublicKey(user ?? Environment.UserName, cancellation);
        var plain = requestIds.Given(parsed) is null && roles.Given(parsed) is null;
        var requests = plain ? await parsed.Offer(ca, user, cancellation) : requestIds.Given(parsed) ?? [];

        string? filed = null;
        string[]? inUse = null;
        var asked = roles.Given(parsed);
        if (asked is not null)
            await Ask(asked);

        try
        {
            var login = await LogIn();
            if (login.RequestAccess is { } access)
            {
                // A script cannot be asked for a reason.
                if (access == RequestAccessModes.Reason && Console.IsInputRedirected)
                    throw new FailureException(
                        "your roles want a reason at each login", "tsh login --request-roles='*' --request-reason=TEXT");
                await Ask(["*"]);
                login = await LogIn();
            }
            await key.Save(login, parsed.Warn, cancellation);
            var now = TimeProvider.System.GetUtcNow();
            parsed.PrintResult(
                login.Certificates.Select(one => one.Info).ToArray(),
                login.Certificates is [var first, .. var others]
                    ? [.. StatusText.Lines(first.Info, now), .. others.Select(one => StatusText.Beside(one.Info))]
                    : []);
            if (parsed.GetValue(proofFile) is { } file)
                await SaveProof(ca, login, file, cancellation);
            if (login.Certificates is not [] && key.Hint is { } next)
                parsed.Hint(next);
            foreach (var missing in login.Missing ?? [])
                parsed.Warn(parsed.HintOf(missing) is { } help ? $"{missing.Detail}; {help}" : missing.Detail);
            if (key.IsOfHome)
                Remember(login);
            if ((isAnother ? home.HostCasOfAnother : key.HostCas) is { } hostCas && (key.IsOfHome || login.Certificates is not []))
                await hostCas.Follow(parsed, ca, login.HostCas, acceptHostCa.Given(parsed), cancellation);
            if (key.IsOfHome)
            {
                await SshConfigFile.Refresh(parsed, home, ca, cancellation);
            }
            if (login.PerHost)
            {
                parsed.Say(login.Certificate is null
                    ? "no certificate: your roles reach more logins on hosts than one certificate holds"
                    : "your roles reach more logins on hosts than one certificate holds; what is left out takes a certificate for its host");
                parsed.Hint(
                    key.IsOfHome
                        ? "each host has one of its own, fetched as you connect: tsh ssh LOGIN@NODE; tsh ls lists them"
                        : "a certificate for one host: tsh login --node=NODE; tsh ls lists them");
            }
            inUse = [.. login.Certificates.SelectMany(one => one.Info.Requests)];
        }
        // A user who has only requests has nothing to log in with yet.
        catch (ProblemException none) when (plain && asked is null && key.IsOfHome && none.Problem.Code == ProblemCode.NoLogin)
        {
            var requestable = (await ca.Send(Routes.GetMyCapabilities, new GetMyCapabilities(user), cancellation)).RequestableRoles;
            Remember(null);
            parsed.Say(none.Message);
            parsed.PrintResult(Array.Empty<CertificateInfo>(), $"no certificate yet; you can request: {string.Join(", ", requestable)}");
            parsed.Hint($"tsh login --request-roles={requestable.FirstOrDefault() ?? "ROLE"}");
        }
        catch (ProblemException none) when (nowait && none.Problem.Code is (ProblemCode.Denied or ProblemCode.NoLogin))
        {
            parsed.Warn($"no certificate for now: {none.Message}");
            parsed.PrintResult(Array.Empty<CertificateInfo>());
        }
        // A daemon that disappeared a moment ago must not make the user lose the approval.
        catch (UnreachableException away) when (filed is not null)
        {
            throw new FailureException(
                away.Message, $"request {filed} stays: {ReadyRequests.Use(requests is [] ? [filed] : requests)}", ExitCode.Unreachable);
        }
        var mine = await ReadyRequests.List(ca, user, cancellation);
        if (inUse is not null)
            parsed.HintAtReady(mine.Requests, inUse);
        if (nowait)
            parsed.Hint($"once the request is approved: {ReadyRequests.Use(filed!)}");
        parsed.HintAtReviews(mine);
        return ExitCode.Done;

        void Remember(LoggedIn? login) => home.Remember(memory with
        {
            Servers = named ?? memory.Servers,
            User = parsed.GetValue<string?>("--user") ?? memory.User,
            Agent = use,
            Requests = [.. requests],
            PerHost = login is { PerHost: true },
            Session = login is null ? null : LoginSession.From(login),
        });

        Task<LoggedIn> LogIn() =>
            ca.Send(
                Routes.Login,
                new Login(
                    publicKey, user, requests is [] ? null : requests, parsed.GetValue(ttl), parsed.GetValue(node),
                    Regular: filed is not null), cancellation);

        async Task Ask(string[] roleNames)
        {
            var ask = lifetimes.Of(parsed, new CreateRequest(roleNames, user, parsed.GetValue(reason) ?? "", reviewers.Given(parsed)));
            var request = await parsed.FileOrJoin(ca, await parsed.WithReason(ca, ask, cancellation), cancellation);
            filed = request.Metadata.Name;
            var seeking = $"Seeking request approval... (id: {filed})";
            if (FormatOption.IsJson(parsed))
                parsed.Say(seeking);
            else
                parsed.Print(seeking);
            parsed.SayAwaited(request);
            if (nowait)
                return;
            await Waiting.UntilApproved(parsed, ca, request, user, parsed.GetValue(wait), cancellation);
            requests = [.. requests, filed];
        }
    }

    private static bool IsFingerprint(string text) =>
        text.Length == "SHA256:".Length + 43 && text.StartsWith("SHA256:", StringComparison.Ordinal)
        && Base64.IsValid($"{text["SHA256:".Length..]}=");

    /// <summary>Asks the person at the terminal for the daemon's address, on a machine without a daemon.</summary>
    private static async Task<ServerList> AskForServer(ParseResult parsed, CancellationToken cancellation)
    {
        while (Prompt.IsPossible && await Prompt.Line(parsed, "which host has the daemon? ssh://", cancellation) is { Length: > 0 } answer)
            if ((ServerList.TryParse(answer) ?? ServerList.TryParse($"ssh://{answer}")) is { } servers)
                return servers;
            else
                parsed.Say($"'{answer}' is not [USER@]HOST[:PORT]");
        throw new FailureException(
            "no daemon is on this machine, and no other is named",
            "name its host once, and it is remembered: tsh login --server=ssh://HOST", ExitCode.Usage);
    }

    /// <summary>Stores the proof that the issuing of the certificate is in the audit, once a checkpoint covers it.</summary>
    private static async Task SaveProof(CaClient ca, LoggedIn login, string file, CancellationToken cancellation)
    {
        if (login.Certificates is not [var first, ..])
            throw new FailureException($"there is no certificate to prove, so {file} was not written");
        var proven = await ca.Send(Routes.ProveMyCertificate, new ProveMyCertificate(first.Info.Serial, login.User), cancellation);
        if (InclusionProof.Parse(proven.Proof) is not { } proof || Note.Parse(proof.Note) is not { } note
            || Checkpoint.Parse(note.Text) is not { } checkpoint
            || !Proof.Includes(
                TreeHash.OfLeaf(Encoding.UTF8.GetBytes(proven.Entry)), proof.Index, checkpoint.Size, proof.Path, checkpoint.Root))
            throw new FailureException($"the daemon sent a proof that does not hold, so {file} was not written");
        AtomicFile.Replace(
            file, [.. JsonSerializer.SerializeToUtf8Bytes(proven, ProtocolJson.Lenient.Of<EntryProven>()), (byte)'\n'],
            AtomicFile.OwnerOnly);
    }
}
