using System.CommandLine;
using CertAuthority.Protocol;

namespace CertAuthority.Terminal;

/// <summary><c>--server unix:PATH</c>, after any subcommand.</summary>
public sealed class ServerOption : Option<ServerAddress?>
{
    private const string Variable = "CERTAUTHORITY_SERVER";

    /// <summary>The option.</summary>
    /// <param name="aliases">Other words for it.</param>
    public ServerOption(params string[] aliases)
        : base("--server", aliases)
    {
        Description = $"Where the daemon is: unix:PATH. Default: ${Variable}, else your own daemon if one runs, else the machine's";
        HelpName = "unix:PATH";
        Recursive = true;
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (ServerAddress.TryParse(text) is { } address)
                return address;
            result.AddError($"--server takes unix:/absolute/path, not '{text}'");
            return null;
        };
    }

    /// <summary>The daemon that a command line means. Nothing is sent yet.</summary>
    public static CaClient Connect(ParseResult parsed, TimeSpan? patience = null) => new(Chosen(parsed), IsTrusted, patience);

    private static ServerAddress Chosen(ParseResult parsed)
    {
        if (parsed.GetValue<ServerAddress?>("--server") is { } named)
            return named;
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } text)
            return ServerAddress.TryParse(text) ?? throw new FailureException($"{Variable} is '{text}', which is not unix:/absolute/path");
        var own = ServerAddress.DefaultSocket(Environment.IsPrivilegedProcess);
        // Users of the machine where the daemon runs talk to the machine's; one's own comes first only where there is one.
        return new ServerAddress(File.Exists(own) ? own : ServerAddress.DefaultSocket(isRoot: true));
    }

    // Anybody can bind a socket in a place of his own and point others at it.
    private static bool IsTrusted(uint uid) => uid == 0 || uid == Account.OwnUid || uid == Account.Uid("certauthority");
}
