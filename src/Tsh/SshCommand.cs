using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh ssh</c>: asks where a node is, then becomes ssh.</summary>
internal sealed class SshCommand : Verb
{
    private readonly Option<string?> login = new("--login", "-l") { HelpName = "LOGIN", Description = "The account on the node" };
    private readonly Argument<string> destination = new("[LOGIN@]NODE") { HelpName = "[LOGIN@]NODE", Description = "The node, and the account there", CompletionSources = { Own.Destinations } };
    private readonly Argument<string[]> command = new("COMMAND")
    {
        HelpName = "COMMAND", Description = "What to run there; it begins with the first word after the node that is no option", Arity = ArgumentArity.ZeroOrMore,
    };

    /// <summary>The options of ssh.</summary>
    public SshOptions OfSsh { get; } = new();

    public SshCommand()
        : base("ssh", "Enters a node", "tsh ssh postgres@db1", "tsh ssh -l postgres db1 psql -c 'select 1'", "tsh ssh -L 5432:localhost:5432 -N postgres@db1")
    {
        Options.Add(login);
        Options.Add(OfSsh.Flag);
        Options.Add(OfSsh.Value);
        Arguments.Add(destination);
        Arguments.Add(command);
        Validators.Add(result =>
        {
            if (result.GetResult(login) is not null && result.GetResult(destination)?.Tokens is [var token] && token.Value.Contains('@'))
                result.AddError("the login is given twice, by -l and before the node");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var given = OfSsh.Given(parsed);
        var (wanted, name) = Split(parsed.GetValue(destination)!);
        wanted ??= parsed.GetValue(login) ?? SshOptions.Login(given);
        // Any name or address that can be nothing else: the daemon's list says which node it is.
        if (!SshArguments.IsPlain(name))
            PlainNames.CheckNode(name);
        if (wanted is not null)
            PlainNames.CheckLogin(wanted);

        var home = Home.Of(parsed);
        var (node, certificate) = await Find(parsed, home, name, wanted, cancellation);
        PlainNames.CheckNode(node.Name);
        wanted ??= OnlyLogin(node);
        // Another certificate that is out opens it, or did: one with a request is for the nodes of the request only.
        if (certificate == home.Certificate && node.Logins.Contains(wanted) && !Opens(StatusCommand.Usable(home, TimeProvider.System.GetUtcNow()), wanted, node.Name))
            throw new FailureException($"your certificate does not open {wanted}@{node.Name}", home.Command("login"));
        return Exec.Replace(["ssh", .. SshArguments.For(home, node, wanted, parsed.GetValue(command) ?? [], certificate, given)]);
    }

    /// <summary>The node, and the certificate for it. While the daemon is away, what it said last time counts, as it does for plain ssh.</summary>
    private static async Task<(ReachableNode Node, string Certificate)> Find(ParseResult parsed, Home home, string name, string? wanted, CancellationToken cancellation)
    {
        var user = UserOption.Chosen(parsed, home);
        using var ca = ServerOption.Connect(parsed);
        try
        {
            if (home.CertificateAtHand() is { } expired && expired.ValidBefore <= TimeProvider.System.GetUtcNow())
                await Renewal.Run(parsed, home, ca, user, expired, cancellation);
            var found = await Ask(name);
            home.Addresses.Remember(found.Node);
            return found;
        }
        catch (UnreachableException away)
        {
            var now = TimeProvider.System.GetUtcNow();
            if (home.Addresses.Find(name) is not { } address || home.CertificateAtHand() is not { } certificate || certificate.ValidBefore <= now || !Opens(certificate, wanted, address.Name))
                throw;
            parsed.Warn($"{away.Message}; going to {address.Address}, where {address.Name} was last time");
            return (new ReachableNode(address.Name, address.Address, LoginsOf(certificate, address.Name)), home.Certificate);
        }

        async Task<(ReachableNode Node, string Certificate)> Ask(string name)
        {
            try
            {
                var certificate = await Certificate(home, name, wanted, ca, user, cancellation);
                await RefuseRevoked(home, name, certificate, ca, user, cancellation);
                return (await ca.Send(Routes.GetMyNode, new GetMyNode(name, user, wanted), cancellation), certificate);
            }
            catch (ProblemException unknown) when (unknown.Problem.Code == ProblemCode.NotFound)
            {
                if (await NodeNames.Resolve(name, ca, user, cancellation) is { } other && other != name)
                    return await Ask(other);
                throw;
            }
        }
    }

    // The host would refuse it, and count that against this address.
    private static async Task RefuseRevoked(Home home, string node, string file, CaClient ca, string? user, CancellationToken cancellation)
    {
        if ((file == home.Certificate ? home.CertificateAtHand() : home.ReadNodeCertificate(node)) is not { } certificate)
            return;
        try
        {
            if (!(await ca.Send(Routes.GetMyCertificate, new GetMyCertificate(certificate.Serial, user), cancellation)).Revoked)
                return;
        }
        // One of another user or daemon, which the host may still accept.
        catch (ProblemException unknown) when (unknown.Problem.Code == ProblemCode.NotFound)
        {
            return;
        }
        // The next attempt gets a new one.
        if (file != home.Certificate)
            File.Delete(file);
        throw new FailureException($"certificate {certificate.Serial} has been revoked", file == home.Certificate ? home.Command("login") : $"the next attempt gets a new one, if your roles still allow it: {home.Command($"ssh {node}")}");
    }

    private static string[] LoginsOf(CertificateInfo certificate, string node) =>
    [
        .. certificate.Principals.Select(principal => principal.EndsWith($"@{node}", StringComparison.Ordinal) ? principal[..^(node.Length + 1)] : principal)
            .Where(login => certificate.Opens(login, node)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal),
    ];

    /// <summary>The certificate at hand; where it opens no such login, and single nodes have certificates of their own, the node's.</summary>
    private static async Task<string> Certificate(Home home, string node, string? login, CaClient ca, string? user, CancellationToken cancellation)
    {
        var perHost = home.Memory.PerHost;
        if (!(perHost && home.CertificateAtHand() is null) && (Opens(StatusCommand.Usable(home, TimeProvider.System.GetUtcNow()), login, node) || !perHost))
            return home.Certificate;
        try
        {
            return await NodeCertificate.Ensure(home, node, ca, user, cancellation);
        }
        catch (ProblemException refused) when (refused.Problem.Code == ProblemCode.Denied)
        {
            // Whoever is asked for the address next says so too, and what to ask for.
            return home.Certificate;
        }
    }

    private static bool Opens(CertificateInfo certificate, string? login, string node) =>
        login is null ? certificate.Principals.Any(principal => principal.EndsWith($"@{node}", StringComparison.Ordinal)) : certificate.Opens(login, node);

    private static (string? Login, string Node) Split(string destination) =>
        destination.LastIndexOf('@') is var at and >= 0 ? (destination[..at], destination[(at + 1)..]) : (null, destination);

    private static string OnlyLogin(ReachableNode node) => node.Logins switch
    {
        [var only] => only,
        var several when several.Contains(Environment.UserName) => Environment.UserName,
        var several => throw new FailureException(
            $"several logins are yours on {node.Name}: {string.Join(", ", several)}", $"tsh ssh LOGIN@{node.Name}"),
    };
}
