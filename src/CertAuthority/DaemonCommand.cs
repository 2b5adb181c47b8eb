using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using CertAuthority.Configuration;
using CertAuthority.Protocol;

namespace CertAuthority;

/// <summary>The daemon's command line.</summary>
internal sealed class DaemonCommand : RootCommand
{
    private readonly Option<string?> config = new("--config")
    {
        Description =
            $"configuration: a file, or a folder with certauthority.yaml and conf.d/*.yaml, or none for the defaults alone (without this option: {Settings.DefaultFolder} if it exists)",
        HelpName = "PATH"
    };
    private readonly Option<string?> dataDirectory = new("--data-dir")
    {
        Description = "keys, database and revocation list; made with mode 0700",
        HelpName = "DIR"
    };
    private readonly Option<string?> socket = new("--socket") { Description = "where to serve", HelpName = "PATH" };

    private readonly Option<bool> newCa = new("--new-ca")
    {
        Description =
            "let the CA keys that are there take the place of any other that signed here, and end rotations that are under way; other user CA keys go onto the revocation list, with all that they signed"
    };

    private readonly Option<bool> adopt = new("--adopt-configuration")
    {
        Description =
            "with several daemons on one database: lead with the configuration of this machine, although it differs from the one of the daemon that led last"
    };

    private readonly Option<string?> from = new("--from")
    {
        Description = "with --migrate-to-postgres: the file to move, if it is not certauthority.db in the data directory",
        HelpName = "FILE"
    };
    private readonly Option<string> format = new("--format")
    {
        Description = "with --migrate-to-postgres: print the summary as text or as json",
        HelpName = "FORMAT",
        DefaultValueFactory = _ => "text",
    };

    public DaemonCommand()
        : base("Signs short-lived OpenSSH user certificates for approved access requests.")
    {
        foreach (var option in (Option[])[
            config, dataDirectory, socket, newCa, adopt, CheckConfig, AgainstRunning, MigrateToPostgres, from, format])
            Options.Add(option);
        format.AcceptOnlyFromAmong("text", "json");
        var help = Options.OfType<HelpOption>().Single();
        Validators.Add(parsed =>
        {
            if (parsed.GetValue(AgainstRunning) && !parsed.GetValue(CheckConfig))
                parsed.AddError("--against-running is for --check-config");
            if (!parsed.GetValue(MigrateToPostgres))
            {
                foreach (var option in (Option[])[from, format])
                    if (parsed.GetResult(option) is { Implicit: false })
                        parsed.AddError($"{option.Name} is for --migrate-to-postgres");
            }
            else if (parsed.GetValue(CheckConfig) || parsed.GetValue(newCa))
                parsed.AddError("--migrate-to-postgres does nothing else: leave out --check-config and --new-ca");
        });
        help.Action = new WithExamples((HelpAction)help.Action!);
    }

    /// <summary>Complete command lines, for the help and the manual page.</summary>
    public static readonly string[] Examples =
    [
        "certauthority --check-config",
        "certauthority --check-config --against-running",
        "certauthority --config=/etc/certauthority",
        "certauthority --migrate-to-postgres",
        "certauthority --migrate-to-postgres --from=/srv/records/certauthority.db --format=json",
        "certauthority --config=none --data-dir=./data --socket=./ca.sock",
    ];

    /// <summary>The exit codes for service managers and scripts, for the help and the manual page.</summary>
    public static readonly (int Code, string Meaning)[] ExitCodes =
    [
        (0, "stopped by SIGTERM or SIGINT; or, with --check-config, the configuration is good; or, with --migrate-to-postgres, the database is moved"),
        (1, "it could not start, or could not go on; or, with --migrate-to-postgres, the file is in use as before"),
        (2, "the command line is not understood; nothing was tried"),
    ];

    public Option<bool> CheckConfig { get; } = new("--check-config") { Description = "check the configuration and exit" };

    public Option<bool> AgainstRunning { get; } = new("--against-running")
    {
        Description = "with --check-config: also say which certificates and requests a reload or a start with it would take back, and whose"
    };

    public Option<bool> MigrateToPostgres { get; } = new("--migrate-to-postgres")
    {
        Description = "while the daemon is stopped: move its database from the file to the PostgreSQL server that the configuration names, and exit"
    };

    /// <summary>Returns the file to move; null for the one in the data directory.</summary>
    public string? MigrateFrom(ParseResult parsed) => parsed.GetValue(from);

    /// <summary>Returns whether the summary is printed as JSON.</summary>
    public bool IsJson(ParseResult parsed) => parsed.GetValue(format) == "json";

    /// <summary>Reads the configuration; options on the command line take precedence over it.</summary>
    /// <exception cref="ConfigurationException">The configuration has faults.</exception>
    public Settings Read(ParseResult parsed)
    {
        var settings = Settings.Default();
        var data = parsed.GetValue(dataDirectory) is { } named ? Path.GetFullPath(named) : null;
        var path = parsed.GetValue(config) switch
        {
            // A demo must not use what belongs to the machine's own daemon, such as its publish_dir.
            "none" => null,
            null => Directory.Exists(Settings.DefaultFolder) ? Settings.DefaultFolder : null,
            var file => file,
        };
        if (path is not null)
            settings = ConfigurationFile.Read(path, settings, data);
        return settings with
        {
            DataDirectory = data ?? Named(settings.DataDirectory, "the data directory", "--data-dir"),
            NewCa = parsed.GetValue(newCa),
            AdoptsConfiguration = parsed.GetValue(adopt),
            SocketPath = Short(Named(parsed.GetValue(socket) ?? settings.SocketPath, "the socket", "--socket")),
        };
    }

    private static string Short(string path) =>
        ServerAddress.Unix.PathFault(path) is { } fault
            ? throw new ConfigurationException([$"{fault}; name a shorter one with --socket"])
            : path;

    // An empty path would become the directory in which the daemon was started.
    private static string Named(string path, string what, string option) =>
        path.Length > 0
            ? Path.GetFullPath(path)
            : throw new ConfigurationException([$"HOME names no absolute path, so there is no place for {what}: name one with {option}"]);

    private sealed class WithExamples(HelpAction usual) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            usual.Invoke(parseResult);
            string[] lines = ["Examples:", .. Examples.Select(example => $"  {example}"), "", "Exit codes:",
                .. ExitCodes.Select(one => $"  {one.Code,-4} {one.Meaning}"), ""];
            parseResult.InvocationConfiguration.Output.Write(string.Join('\n', lines) + "\n");
            return 0;
        }
    }
}
