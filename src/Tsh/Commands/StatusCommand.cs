using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh status</c>.</summary>
internal sealed class StatusCommand : CliCommand
{
    private readonly Option<bool> all = new("--all") { Description = "List the login of each profile instead" };
    private readonly FormatOption format = new();
    private readonly WideOption wide = new("With --all: every column in full, with absolute times, even if the lines do not fit the terminal");

    public StatusCommand()
        : base(
            "status", "Shows whose the certificate in tsh's home is, what it opens, and until when",
            "tsh status", "tsh status --format=json | jq -r .valid_before", "tsh status --all")
    {
        Options.Add(all);
        Options.Add(wide);
        Options.Add(format);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var now = TimeProvider.System.GetUtcNow();
        if (parsed.GetValue(all))
            return ListAll(parsed, now);
        var home = Home.Chosen(parsed);
        var held = await Held.In(home).Verified(cancellation);
        foreach (var fault in held.Faults.Where(_ => held.At(now).Any()))
            parsed.Warn(fault);
        if (held.Certificates is [] && held.Faults is [] && home.Memory is { PerHost: true, Session: { } session }
            && home.PublicKeyAtHand() is not null)
            return await ShowPerHost(parsed, home, session, now, cancellation);
        var usable = held.Usable(now);
        var user = parsed.GetValue<string?>("--user") ?? usable.Info.User;
        using var ca = ServerOption.Connect(parsed);
        var known = await AskDaemon(parsed, ca, [.. held.At(now)], user, cancellation);
        var (first, others) = (known?[0] ?? usable.Info, known?[1..] ?? [.. held.At(now).Skip(1).Select(one => one.Info)]);
        var mine = known is null ? new RequestList([]) : await ReadyRequests.List(ca, user, cancellation);
        if (parsed.GetValue(format) == FormatOption.Text)
            parsed.Print([.. StatusText.Lines(first, now), .. others.Select(StatusText.Beside)]);
        else
        {
            var facts = Facts(first, isRecorded: known is not null);
            facts["others"] = new JsonArray([.. others.Select(one => (JsonNode)Facts(one, isRecorded: known is not null))]);
            if (mine.Reviewable is { } count)
                facts["reviewable"] = count;
            parsed.PrintJson(facts);
        }
        foreach (var (warning, command) in LittleLeft.Of(first, mine.Requests, now))
        {
            parsed.Warn(warning);
            parsed.Hint(command);
        }
        parsed.HintAtReady(mine.Requests, held.Requests(now));
        parsed.HintAtReviews(mine);
        return ExitCode.Done;
    }

    /// <summary>Shows a login in which every host has its own certificate.</summary>
    private async Task<int> ShowPerHost(
        ParseResult parsed, Home home, LoginSession session, DateTimeOffset now, CancellationToken cancellation)
    {
        if (session.Ends <= now)
            throw new FailureException($"your login ended at {Wording.Time(session.Ends)}", "tsh login");
        var hosts = NodeCertificate.LoginsAtHand(home).ToArray();
        using var ca = ServerOption.Connect(parsed);
        var mine = await ReadyRequests.List(ca, parsed.GetValue<string?>("--user") ?? session.User, cancellation);
        if (parsed.GetValue(format) == FormatOption.Json)
        {
            var facts = new JsonObject
            {
                ["user"] = session.User,
                ["per_host"] = true,
                ["valid_before"] = Wording.Time(session.Ends),
                ["requests"] = Words([.. home.Memory.Requests]),
                ["at_hand"] = Words(hosts),
            };
            if (mine.Reviewable is { } count)
                facts["reviewable"] = count;
            parsed.PrintJson(facts);
        }
        else
        {
            parsed.Print($"user: {session.User}");
            parsed.Print("logins: each host has a certificate of its own, fetched as you connect (tsh ls lists them)");
            if (hosts is not [])
                parsed.Print($"at hand: {string.Join(", ", hosts.Take(10))}{(hosts.Length > 10 ? $" and {hosts.Length - 10} more" : "")}");
            parsed.Print($"valid until: {Wording.Time(session.Ends)} (valid for {Wording.Left(session.Ends - now)})");
        }
        parsed.HintAtReviews(mine);
        return ExitCode.Done;
    }

    /// <summary>Shows what this machine knows about each login, without a call to the daemon.</summary>
    private int ListAll(ParseResult parsed, DateTimeOffset now)
    {
        var logins = Home.All().Select(home => (home.Profile, home.Memory, Login: Login(home, now)))
            .Where(login => login.Profile is not null || login.Memory.Servers is not null || login.Login is not null).ToList();
        if (parsed.GetValue(format) == FormatOption.Json)
        {
            parsed.PrintJson(new JsonArray([.. logins.Select(login => (JsonNode)new JsonObject
            {
                ["profile"] = login.Profile ?? "",
                ["server"] = login.Memory.Servers?.ToString(),
                ["user"] = login.Login?.User ?? login.Memory.User,
                ["valid_before"] = login.Login is { } one ? Wording.Time(one.Ends) : null,
            })]));
            return ExitCode.Done;
        }
        var table = new Table("Profile", "Server", "User", "Valid until") { Nothing = "no logins", Expendable = ["Server"] };
        foreach (var (profile, memory, login) in logins)
            table.Add(
                profile ?? "-",
                memory.Servers?.ToString() ?? "-",
                login?.User ?? memory.User ?? "-",
                login is null
                    ? "not logged in"
                    : new Cell($"{(now < login.Value.Ends ? "" : "expired ")}{Wording.Time(login.Value.Ends)}", login.Value.Ends));
        parsed.Print(table);
        return ExitCode.Done;
    }

    /// <summary>Returns the user of the login and when it ends; null if there is none.</summary>
    private static (string User, DateTimeOffset Ends)? Login(Home home, DateTimeOffset now)
    {
        var held = Held.In(home);
        return (held.At(now).FirstOrDefault() ?? (held.Certificates is [var ended, ..] ? ended : null)) is { } one
            ? (one.Info.User, one.Info.ValidBefore)
            : home.Memory is { PerHost: true, Session: { } session } && home.PublicKeyAtHand() is not null ? (session.User, session.Ends)
            : null;
    }

    /// <summary>Returns what the daemon has on record about the certificates at hand; null if the daemon does not answer.</summary>
    /// <exception cref="FailureException">The first certificate is no longer of use, or never was.</exception>
    private static async Task<CertificateInfo[]?> AskDaemon(
        ParseResult parsed, CaClient ca, HeldCertificate[] held, string user, CancellationToken cancellation)
    {
        var recorded = new List<CertificateInfo>();
        try
        {
            foreach (var one in held)
            {
                var record = await ca.Send(Routes.GetMyCertificate, new GetMyCertificate(one.Info.Serial, user), cancellation);
                if (record.Revoked && one == held[0])
                    throw new FailureException($"certificate {record.Serial} has been revoked", "tsh login");
                if (record.Revoked)
                    parsed.Warn($"certificate {record.Serial}, {one.Info.Name}, has been revoked");
                else
                    recorded.Add(record with { Name = record.Name ?? one.Info.Name });
            }
            return [.. recorded];
        }
        catch (ProblemException gone) when (gone.Problem.Code is ProblemCode.Denied or ProblemCode.NotFound)
        {
            throw new FailureException(
                gone.Problem.Code == ProblemCode.Denied
                    ? $"your certificate is of no use any more: {gone.Message}"
                    : $"the authority has no record of your certificate: {gone.Message}",
                parsed.HintOf(gone.Problem) ?? "tsh login");
        }
        catch (Exception silent) when (silent is UnreachableException or ProblemException)
        {
            parsed.Warn($"roles and revocation are not known: {silent.Message}");
            return null;
        }
    }

    // Leaves out what is unknown: no roles and not revoked would be claims.
    private static JsonObject Facts(CertificateInfo certificate, bool isRecorded)
    {
        var facts = JsonSerializer.SerializeToNode(certificate, ProtocolJson.Lenient.Of<CertificateInfo>())!.AsObject();
        if (!isRecorded)
            foreach (var unknown in new[] { "roles", "limited_by", "revoked" })
                facts.Remove(unknown);
        return facts;
    }

    private static JsonArray Words(string[] words) => new([.. words.Select(word => (JsonNode)word)]);
}
