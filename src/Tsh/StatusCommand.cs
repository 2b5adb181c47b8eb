using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh status</c>.</summary>
internal sealed class StatusCommand : Verb
{
    private readonly Option<bool> all = new("--all") { Description = "List the login of each profile instead" };
    private readonly FormatOption format = new();

    public StatusCommand()
        : base(
            "status", "Shows whose the certificate in tsh's home is, what it opens, and until when",
            "tsh status", "tsh status --format=json | jq -r .valid_before", "tsh status --all")
    {
        Options.Add(all);
        Options.Add(format);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var now = TimeProvider.System.GetUtcNow();
        if (parsed.GetValue(all))
            return ListAll(parsed, now);
        var home = Home.Of(parsed);
        var local = Usable(home, now);
        var user = parsed.GetValue<string?>("--user") ?? local.User;
        using var ca = ServerOption.Connect(parsed);
        var recorded = await AskDaemon(parsed, ca, local, user, cancellation);
        if (recorded is { Revoked: true })
            throw new FailureException($"certificate {local.Serial} has been revoked", "tsh login");
        if (parsed.GetValue(format) == FormatOption.Text)
            parsed.Print(StatusText.Lines(recorded ?? local, now));
        else if (recorded is not null)
            parsed.PrintJson(recorded);
        else
            parsed.PrintJson(LocalFacts(local));
        var requests = recorded is null ? [] : await ReadyRequests.Of(ca, user, cancellation);
        foreach (var (warning, command) in LittleLeft.Of(local, requests, now))
        {
            parsed.Warn(warning);
            parsed.Hint(command);
        }
        parsed.HintAtReady(requests, local.Requests);
        return ExitCode.Done;
    }

    /// <summary>What this machine knows of each login; no daemon is asked.</summary>
    private int ListAll(ParseResult parsed, DateTimeOffset now)
    {
        var logins = Home.All().Select(home => (home.Profile, home.Memory, Certificate: home.CertificateAtHand()))
            .Where(login => login.Profile is not null || login.Memory.Server is not null || login.Certificate is not null).ToList();
        if (parsed.GetValue(format) == FormatOption.Json)
        {
            parsed.PrintJson(new JsonArray([.. logins.Select(login => (JsonNode)new JsonObject
            {
                ["profile"] = login.Profile ?? "",
                ["server"] = login.Memory.Server?.ToString(),
                ["user"] = login.Certificate?.User ?? login.Memory.User,
                ["valid_before"] = login.Certificate?.ValidBefore.ToString("yyyy-MM-ddTHH:mm:ssZ"),
            })]));
            return ExitCode.Done;
        }
        var table = new Table("Profile", "Server", "User", "Valid until");
        foreach (var (profile, memory, certificate) in logins)
            table.Add(
                profile ?? "-",
                memory.Server?.ToString() ?? "-",
                certificate?.User ?? memory.User ?? "-",
                certificate is null ? "not logged in" : now < certificate.ValidBefore ? Wording.Time(certificate.ValidBefore) : $"expired {Wording.Time(certificate.ValidBefore)}");
        parsed.Print(table.Lines());
        return ExitCode.Done;
    }

    /// <summary>The certificate at hand. ssh never says that one is missing or has expired, so this does.</summary>
    public static CertificateInfo Usable(Home home, DateTimeOffset now)
    {
        try
        {
            var certificate = home.ReadCertificate() ?? throw new FailureException("not logged in", "tsh login");
            return now < certificate.ValidBefore
                ? certificate
                : throw new FailureException($"your certificate expired at {Wording.Time(certificate.ValidBefore)}", "tsh login");
        }
        catch (SshFormatException malformed)
        {
            throw new FailureException($"{home.Certificate} is not a certificate: {malformed.Message}", "tsh login");
        }
    }

    private static async Task<CertificateInfo?> AskDaemon(ParseResult parsed, CaClient ca, CertificateInfo local, string user, CancellationToken cancellation)
    {
        try
        {
            return await ca.Send(Routes.GetMyCertificate, new GetMyCertificate(local.Serial, user), cancellation);
        }
        catch (Exception silent) when (silent is UnreachableException or ProblemException)
        {
            parsed.Warn($"roles and revocation are not known: {silent.Message}");
            return null;
        }
    }

    // What is not known is left out: no roles and not revoked would be claims.
    private static JsonObject LocalFacts(CertificateInfo local)
    {
        var facts = JsonSerializer.SerializeToNode(local, ProtocolJson.Lenient.Of<CertificateInfo>())!.AsObject();
        facts.Remove("roles");
        facts.Remove("limited_by");
        facts.Remove("revoked");
        return facts;
    }
}
