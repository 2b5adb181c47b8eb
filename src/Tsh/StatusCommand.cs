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
    private readonly FormatOption format = new();

    public StatusCommand()
        : base("status", "Shows whose the certificate in tsh's home is, what it opens, and until when", "tsh status", "tsh status --format=json | jq -r .valid_before") =>
        Options.Add(format);

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var home = Home.OfCaller();
        var now = TimeProvider.System.GetUtcNow();
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
