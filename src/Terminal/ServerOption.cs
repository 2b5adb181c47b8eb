using System.CommandLine;
using CertAuthority.Linux;
using CertAuthority.Protocol;

namespace CertAuthority.Terminal;

/// <summary><c>--server unix:PATH</c> or <c>ssh://…</c>, or several in order of preference, after any subcommand.</summary>
public sealed class ServerOption : Option<ServerList?>
{
    /// <summary>The environment variable that names the daemon if the option does not.</summary>
    public const string Variable = "CERTAUTHORITY_SERVER";

    private readonly Func<ParseResult, ServerList?> remembered;
    private readonly Func<ParseResult, ServerList, string?> installation;

    /// <summary>Creates the option.</summary>
    /// <param name="remembered">
    /// The daemon of an earlier login, used if neither option nor environment names one; null for a program that remembers none.
    /// </param>
    /// <param name="installation">
    /// Returns the installation that servers belong to, as far as the program remembers it; null for a program that remembers none.
    /// </param>
    /// <param name="aliases">Other names of the option.</param>
    public ServerOption(
        Func<ParseResult, ServerList?>? remembered = null, Func<ParseResult, ServerList, string?>? installation = null,
        params string[] aliases)
        : base("--server", aliases)
    {
        this.remembered = remembered ?? (_ => null);
        this.installation = installation ?? ((_, _) => null);
        Description =
            $"Where the daemon is: {ServerAddress.Forms}; of several, separated by commas, the first that answers. Default: ${Variable}, else {(remembered is null ? "" : "the one you logged in to, else ")}your own daemon if one runs, else the machine's";
        HelpName = "unix:PATH|ssh://HOST[,…]";
        Recursive = true;
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (ServerList.FaultIn(text) is { } fault)
                result.AddError($"--server{fault}");
            return ServerList.TryParse(text);
        };
    }

    /// <summary>Returns a client of the daemon that a command line names. Nothing is sent yet.</summary>
    public static CaClient Connect(ParseResult parsed) => Connect(parsed, Chosen(parsed));

    /// <summary>Returns a client of the first of the daemons that answers. Nothing is sent yet.</summary>
    public static CaClient Connect(ParseResult parsed, ServerList servers) =>
        Connect(parsed, servers, servers.All.Length == 1 ? null : Find(parsed).installation(parsed, servers));

    /// <summary>As above, if the servers must belong to an installation.</summary>
    public static CaClient Connect(ParseResult parsed, ServerList servers, string? installation) =>
        new(servers, IsTrusted, tell: Spinner.IsPossible ? parsed.Say : null)
        {
            Installation = installation,
            Warn = line =>
            {
                Spinner.Clear(parsed.InvocationConfiguration.Error);
                parsed.Warn(line);
            },
        };

    /// <summary>
    /// As above, for completion while a user is typing: ssh asks nothing, nothing is printed, and the time limit is short.
    /// </summary>
    public static CaClient ConnectInPassing(ParseResult parsed, TimeSpan patience) =>
        new(Chosen(parsed), IsTrusted, patience, mayAsk: false)
        {
            Installation = Chosen(parsed) is { All.Length: > 1 } several ? Find(parsed).installation(parsed, several) : null,
        };

    /// <summary>Returns the daemons that a command line names, or the default.</summary>
    public static ServerList Chosen(ParseResult parsed) => Named(parsed) ?? Find(parsed).remembered(parsed) ?? OfThisHost();

    /// <summary>Returns the daemons that the option or otherwise the environment names; null if neither does.</summary>
    public static ServerList? Named(ParseResult parsed)
    {
        if (parsed.GetValue(Find(parsed)) is { } named)
            return named;
        return Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } text ? null
            : ServerList.TryParse(text) ?? throw new FailureException($"{Variable}{ServerList.FaultIn(text)}");
    }

    /// <summary>Returns the account's own daemon if there is one, and otherwise the machine-wide one.</summary>
    public static ServerAddress.Unix OfThisHost() => new(Own() ?? ServerAddress.MachineSocket);

    /// <summary>Whether this machine has a daemon, running or not. On other machines the user has to name its address.</summary>
    public static bool IsOnThisHost() => Own() is not null || Directory.Exists(Path.GetDirectoryName(ServerAddress.MachineSocket));

    private static string? Own() =>
        ServerAddress.DefaultSocket(Environment.IsPrivilegedProcess) is { } own && File.Exists(own) ? own : null;

    /// <summary>
    /// Whether a uid may be a daemon's. Needed because anybody can bind a socket in a place of their own and direct other people to it.
    /// </summary>
    public static bool IsTrusted(uint uid) => uid == 0 || uid == Accounts.OwnUid || IsDaemon(uid);

    // An account that the system cannot look up now is not trusted.
    private static bool IsDaemon(uint uid)
    {
        try
        {
            return uid == Accounts.UidOf("certauthority");
        }
        catch (NameServiceException)
        {
            return false;
        }
    }

    private static ServerOption Find(ParseResult parsed) => parsed.RootCommandResult.Command.Options.OfType<ServerOption>().Single();
}
