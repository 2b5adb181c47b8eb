using System.CommandLine;
using CertAuthority.Linux;
using CertAuthority.Protocol;

namespace CertAuthority.Terminal;

/// <summary><c>--server unix:PATH</c> or <c>ssh://…</c>, after any subcommand.</summary>
public sealed class ServerOption : Option<ServerAddress?>
{
    /// <summary>The environment variable that names the daemon where the option does not.</summary>
    public const string Variable = "CERTAUTHORITY_SERVER";

    private readonly Func<ParseResult, ServerAddress?> remembered;

    /// <summary>The option.</summary>
    /// <param name="remembered">
    /// The daemon of earlier days, which counts where neither option nor environment names one; null for a program that remembers none.
    /// </param>
    /// <param name="aliases">Other words for it.</param>
    public ServerOption(Func<ParseResult, ServerAddress?>? remembered = null, params string[] aliases)
        : base("--server", aliases)
    {
        this.remembered = remembered ?? (_ => null);
        Description =
            $"Where the daemon is: {ServerAddress.Forms}. Default: ${Variable}, else {(remembered is null ? "" : "the one you logged in to, else ")}your own daemon if one runs, else the machine's";
        HelpName = "unix:PATH|ssh://HOST";
        Recursive = true;
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (ServerAddress.TryParse(text) is { } address)
                return address;
            result.AddError(
                ServerAddress.PathFaultIn(text) is { } fault
                    ? $"--server: {fault}"
                    : $"--server takes {ServerAddress.Forms}, not '{text}'");
            return null;
        };
    }

    /// <summary>The daemon that a command line means. Nothing is sent yet.</summary>
    public static CaClient Connect(ParseResult parsed) => Connect(parsed, Chosen(parsed));

    /// <summary>The daemon at an address. Nothing is sent yet.</summary>
    public static CaClient Connect(ParseResult parsed, ServerAddress server) =>
        new(server, IsTrusted, tell: Spinner.IsPossible ? parsed.Say : null);

    /// <summary>The same for somebody in the middle of typing: nothing is asked or told, and after a moment it is too late.</summary>
    public static CaClient ConnectInPassing(ParseResult parsed, TimeSpan patience) =>
        new(Chosen(parsed), IsTrusted, patience, mayAsk: false);

    /// <summary>Where a command line means.</summary>
    public static ServerAddress Chosen(ParseResult parsed) => Named(parsed) ?? Find(parsed).remembered(parsed) ?? OfThisHost();

    /// <summary>What the option or else the environment names; null where neither does.</summary>
    public static ServerAddress? Named(ParseResult parsed)
    {
        if (parsed.GetValue(Find(parsed)) is { } named)
            return named;
        return Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } text ? null
            : ServerAddress.TryParse(text)
                ?? throw new FailureException(
                    ServerAddress.PathFaultIn(text) is { } fault
                        ? $"{Variable}: {fault}"
                        : $"{Variable} is '{text}', which is not {ServerAddress.Forms}");
    }

    /// <summary>Users of the machine where the daemon runs talk to the machine's; one's own comes first only where there is one.</summary>
    public static ServerAddress.Unix OfThisHost() => new(Own() ?? ServerAddress.MachineSocket);

    /// <summary>Whether this machine has a daemon, running or not: elsewhere somebody has to say where it is.</summary>
    public static bool IsOnThisHost() => Own() is not null || Directory.Exists(Path.GetDirectoryName(ServerAddress.MachineSocket));

    private static string? Own() =>
        ServerAddress.DefaultSocket(Environment.IsPrivilegedProcess) is { } own && File.Exists(own) ? own : null;

    /// <summary>Whether a uid may be a daemon's. Anybody can bind a socket in a place of their own and point others at it.</summary>
    public static bool IsTrusted(uint uid) => uid == 0 || uid == Accounts.OwnUid || IsDaemon(uid);

    // An account that the system does not know now vouches for nobody.
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
