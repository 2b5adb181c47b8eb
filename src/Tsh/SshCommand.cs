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
        HelpName = "COMMAND", Description = "What to run there; everything after the node belongs to it", Arity = ArgumentArity.ZeroOrMore,
    };

    public SshCommand()
        : base("ssh", "Enters a node", "tsh ssh postgres@db1", "tsh ssh -l postgres db1 psql -c 'select 1'")
    {
        Options.Add(login);
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
        var (wanted, name) = Split(parsed.GetValue(destination)!);
        wanted ??= parsed.GetValue(login);
        PlainNames.CheckNode(name);
        if (wanted is not null)
            PlainNames.CheckLogin(wanted);

        var home = Home.Of(parsed);
        var held = Held.In(home);
        var user = UserOption.Chosen(parsed, home);
        ReachableNode node;
        using (var ca = ServerOption.Connect(parsed))
        {
            if (home.Memory.PerHost)
                await FetchForHost(home, held, wanted, name, ca, user, cancellation);
            else
                held.Usable(Now);
            node = await ca.Send(Routes.GetMyNode, new GetMyNode(name, user), cancellation);
        }
        PlainNames.CheckNode(node.Name);
        wanted ??= OnlyLogin(node);
        // Another certificate that is out opens it, or did: one with a request is for the nodes of the request only.
        var certificate = held.For(wanted, node.Name, Now) ?? NodeCertificate.AtHand(home, wanted, node.Name)
            ?? (node.Logins.Contains(wanted) ? throw new FailureException($"your certificate does not open {wanted}@{node.Name}", home.Command("login")) : null);
        return Exec.Replace(["ssh", .. SshArguments.For(home, node, wanted, parsed.GetValue(command) ?? [], certificate?.File ?? home.Certificate)]);
    }

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    /// <summary>Where single nodes have certificates of their own, and none at hand opens the login.</summary>
    private static async Task FetchForHost(Home home, Held held, string? login, string node, CaClient ca, string? user, CancellationToken cancellation)
    {
        var isAtHand = login is null
            ? held.At(Now).Any(one => one.Info.Principals.Any(principal => principal.EndsWith($"@{node}", StringComparison.Ordinal))) || NodeCertificate.LoginsAtHand(home, node).Any()
            : (held.For(login, node, Now) ?? NodeCertificate.AtHand(home, login, node)) is not null;
        if (isAtHand)
            return;
        try
        {
            await NodeCertificate.Get(home, node, ca, user, cancellation);
        }
        catch (ProblemException refused) when (refused.Problem.Code == ProblemCode.Denied)
        {
            // Whoever is asked for the address next says so too, and what to ask for.
        }
    }

    /// <summary>
    /// Ends tsh's own options after the node: <c>tsh ssh db1 ls -l</c> lists with <c>-l</c>. The parser would look for options everywhere.
    /// </summary>
    public static IReadOnlyList<string> EndOptionsAfterNode(string[] args)
    {
        string[] takeValue = ["--server", "--proxy", "--user", "--profile", "-l", "--login"];
        var words = 0;
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] == "--")
                return args;
            if (args[i] is ['-', _, ..])
                i += takeValue.Contains(args[i]) ? 1 : 0;
            else if (words++ == 0 && args[i] != "ssh")
                return args;
            else if (words == 2)
                return args[(i + 1)..] is ["--", ..] ? args : [.. args[..(i + 1)], "--", .. args[(i + 1)..]];
        }
        return args;
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
