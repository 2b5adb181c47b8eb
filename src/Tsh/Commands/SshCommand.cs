using System.CommandLine;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh ssh</c>: finds out where a node is, then becomes ssh.</summary>
internal sealed class SshCommand : CliCommand
{
    private readonly LoginOption login = new("The account on the node", "-l");
    private readonly Argument<string> destination = new("[LOGIN@]NODE")
    {
        HelpName = "[LOGIN@]NODE",
        Description = "The node, and the account there",
        CompletionSources = { UserCompletions.Destinations }
    };
    private readonly Argument<string[]> command = new("COMMAND")
    {
        HelpName = "COMMAND",
        Description = "What to run there; it begins with the first word after the node that is no option",
        Arity = ArgumentArity.ZeroOrMore,
    };

    /// <summary>The options of ssh.</summary>
    public SshOptions OfSsh { get; } = new();

    public SshCommand()
        : base(
            "ssh", "Enters a node", "tsh ssh postgres@db1", "tsh ssh -l postgres db1 psql -c 'select 1'",
            "tsh ssh -L 5432:localhost:5432 -N postgres@db1")
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
        // Any text that can only be a name or an address; the daemon's list shows which node it means.
        if (!SshArguments.IsPlain(name))
            PlainNames.CheckNode(name);
        if (wanted is not null)
            PlainNames.CheckLogin(wanted);

        var home = Home.Chosen(parsed);
        var (node, account, certificate) = await Find(parsed, home, name, wanted, cancellation);
        return Execution.Replace(
            [
                "ssh",
                .. SshArguments.For(
                    home, node, account, parsed.GetValue(command) ?? [], certificate.File, given, NodeWays.Through(home, node)),
            ]);
    }

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    /// <summary>
    /// Finds the node, the login there, and the certificate that opens it. While the daemon is unreachable, its last answer counts, as it
    /// does for plain ssh.
    /// </summary>
    private static async Task<(ReachableNode Node, string Login, HeldCertificate Certificate)> Find(
        ParseResult parsed, Home home, string name, string? wanted, CancellationToken cancellation)
    {
        var user = UserOption.Chosen(parsed, home);
        using var ca = ServerOption.Connect(parsed);
        try
        {
            if (Held.In(home) is { Certificates: [var expired, ..] } held && !held.At(Now).Any())
                await Renewal.Run(parsed, home, ca, user, expired.Info, cancellation);
            var node = await Ask(name);
            PlainNames.CheckNode(node.Name);
            SshArguments.Endpoint(node.Address);
            new NodeAddresses(home).Remember(node);
            var login = wanted ?? OnlyLogin(node);
            // Another issued certificate opens it: one of another machine, or of an earlier login.
            var certificate = Certificate(home, login, node.Name, node.Groups)
                ?? throw new FailureException($"your certificate does not open {login}@{node.Name}", home.Command("login"));
            await RefuseRevoked(home, node.Name, certificate, ca, user, cancellation);
            // The way can be newer than the login.
            if (node.Jumps?.Any(jump => NodeWays.Certificate(home, jump.Name) is null) == true)
                await NodeCertificate.Get(home, node.Name, ca, user, cancellation);
            return (node, login, certificate);
        }
        catch (UnreachableException away)
        {
            if (new NodeAddresses(home).Find(name) is not { } known || LoginsAtHand(home, known.Name) is not [_, ..] logins)
                throw;
            var node = known with { Logins = logins };
            var login = wanted ?? OnlyLogin(node);
            if (Certificate(home, login, node.Name) is not { } certificate)
                throw;
            parsed.Warn($"{away.Message}; going to {known.Address}, where {known.Name} was last time");
            return (node, login, certificate);
        }

        async Task<ReachableNode> Ask(string name)
        {
            try
            {
                if (home.Memory.PerHost)
                    await FetchForHost(home, wanted, name, ca, user, cancellation);
                else
                    Held.In(home).Usable(Now);
                return await ca.Send(Routes.GetMyNode, new GetMyNode(name, user, wanted), cancellation);
            }
            catch (ProblemException unknown) when (unknown.Problem.Code == ProblemCode.NotFound)
            {
                if (await NodeNames.Resolve(name, ca, user, cancellation) is { } other && other != name)
                    return await Ask(other);
                throw;
            }
        }
    }

    private static HeldCertificate? Certificate(Home home, string login, string node, string[]? groups = null) =>
        Held.In(home).For(login, node, Now, groups) ?? NodeCertificate.AtHand(home, login, node);

    private static string[] LoginsAtHand(Home home, string node) =>
    [
        .. Held.In(home).At(Now).SelectMany(one => one.Info.Principals).Where(principal => !JumpHost.IsPrincipal(principal))
            .Select(principal => principal.EndsWith($"@{node}", StringComparison.Ordinal) ? principal[..^(node.Length + 1)] : principal)
            .Where(login => Certificate(home, login, node) is not null)
            .Concat(NodeCertificate.LoginsAtHand(home, node).Select(one => one[..one.LastIndexOf('@')])).Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Gets a certificate if single nodes have their own certificates and none at hand opens the login.</summary>
    private static async Task FetchForHost(Home home, string? login, string node, CaClient ca, string? user, CancellationToken cancellation)
    {
        var isAtHand = login is null
            ? Held.In(home).At(Now)
                .Any(one => one.Info.Principals.Any(
                    principal => !JumpHost.IsPrincipal(principal) && principal.EndsWith($"@{node}", StringComparison.Ordinal)))
                || NodeCertificate.LoginsAtHand(home, node).Any()
            : Certificate(home, login, node) is not null;
        if (isAtHand)
            return;
        try
        {
            await NodeCertificate.Get(home, node, ca, user, cancellation);
        }
        catch (ProblemException refused) when (refused.Problem.Code is ProblemCode.Denied or ProblemCode.NoLogin)
        {
            // The next step that needs the address reports this too, with what to request.
        }
    }

    // The host would refuse it, and count the refusal against this address.
    private static async Task RefuseRevoked(
        Home home, string node, HeldCertificate certificate, CaClient ca, string? user, CancellationToken cancellation)
    {
        try
        {
            if (!(await ca.Send(Routes.GetMyCertificate, new GetMyCertificate(certificate.Info.Serial, user), cancellation)).Revoked)
                return;
        }
        // The certificate belongs to another user or daemon; the host may still accept it.
        catch (ProblemException unknown) when (unknown.Problem.Code == ProblemCode.NotFound)
        {
            return;
        }
        // The next attempt gets a new certificate.
        if (home.IsForOneNode(certificate.File))
            File.Delete(certificate.File);
        throw new FailureException(
            $"certificate {certificate.Info.Serial} has been revoked",
            home.IsForOneNode(certificate.File)
                ? $"the next attempt gets a new one, if your roles still allow it: {home.Command($"ssh {node}")}"
                : home.Command("login"));
    }

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
