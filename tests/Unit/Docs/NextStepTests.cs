using System.Collections.Immutable;
using System.CommandLine;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using CertAuthority.Access.Values;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Tctl;
using CertAuthority.Terminal;
using CertAuthority.Tsh;

namespace CertAuthority.Tests.Unit.Docs;

/// <summary>The daemon names next steps, and each program has a command for every one of them.</summary>
public partial class NextStepTests
{
    private static readonly Document Protocol = Document.Read("docs/protocol.md");

    private static readonly JsonDerivedTypeAttribute[] Steps = [.. typeof(NextStep).GetCustomAttributes<JsonDerivedTypeAttribute>()];

    /// <summary>Steps that are answered by an option or a name rather than by a whole command.</summary>
    private static readonly HashSet<Type> WithoutCommand = [typeof(NextStep.ChooseRoles), typeof(NextStep.ChooseUser), typeof(NextStep.GiveReason), typeof(NextStep.Meant)];

    [Fact]
    public void Every_step_has_a_name_in_the_protocol() =>
        Assert.Equal(typeof(NextStep).GetNestedTypes().Select(type => type.Name).Order(StringComparer.Ordinal), Steps.Select(step => step.DerivedType.Name).Order(StringComparer.Ordinal));

    [Fact]
    public void The_table_has_every_step_with_its_members()
    {
        var sent = Steps.Select(step => $"{step.TypeDiscriminator} {string.Join(", ", Parameters(step.DerivedType).Select(one => JsonNamingPolicy.SnakeCaseLower.ConvertName(one.Name!)))}".TrimEnd());
        var written = Protocol.Rows.SkipWhile(row => row is not ["step", ..]).Skip(1).TakeWhile(row => row.Length == 3).Select(row => $"{row[0]} {row[1]}".Replace("`", "", StringComparison.Ordinal).Replace(" -", "", StringComparison.Ordinal));
        Assert.Equal(sent, written);
    }

    [Theory]
    [InlineData("tsh", "login")]
    [InlineData("tsh", "login", "--profile=work")]
    [InlineData("tctl", "status")]
    public void Each_program_shows_every_step_by_a_command_it_has(params string[] words)
    {
        var parsed = CommandLine.Parse(words);
        foreach (var step in Steps.SelectMany(step => Samples(step.DerivedType)))
        {
            var shown = string.Join("; ", parsed.Show([step]));
            var commands = PrintedCommandsTests.Commands(shown).ToList();
            Assert.True(commands.Count > 0 || WithoutCommand.Contains(step.GetType()), $"{words[0]} has no command for {step}: {shown}");
            Assert.All(commands, command => Assert.True(PrintedCommandsTests.IsUnderstood(command), $"{step}: {command}"));
            Assert.All(Options().Matches(shown).Select(option => option.Value), option => Assert.Contains(option, AllOptions));
        }
    }

    [Fact]
    public void Commands_for_a_profile_name_the_profile() =>
        Assert.Equal(["tsh --profile=work login"], CommandLine.Parse(["tsh", "login", "--profile=work"]).Show([new NextStep.LogIn()]));

    [Fact]
    public void Step_of_a_newer_daemon_is_read_and_left_out()
    {
        var problem = JsonSerializer.Deserialize("""{"code": "denied", "detail": "no", "next": [{"step": "fly", "to": "mars"}, {"step": "log_in"}]}""", ProtocolJson.Lenient.Of<Problem>())!;
        Assert.Equal("tsh login", CommandLine.Parse(["tsh", "status"]).HintOf(problem));
    }

    [Fact]
    public void Explanation_comes_before_the_steps() => Assert.Equal(
        "wait until some have ended; to end them sooner: tctl certs revoke --user=alice",
        CommandLine.Parse(["tctl", "status"]).HintOf(new Problem(ProblemCode.Limited, "too many", "wait until some have ended", Next: [new NextStep.Revoke("alice")])));

    [Theory]
    [InlineData("tsh login", "ttl", "--ttl must be greater than zero")]
    [InlineData("tsh login", "max_duration", "--max-duration must be greater than zero")]
    [InlineData("tsh ls", "ttl", "ttl must be greater than zero")]
    public void Field_is_shown_as_the_option_of_the_command(string command, string field, string shown) =>
        Assert.Equal(shown, CommandLine.Parse(command.Split(' ')).DetailOf(new Problem(ProblemCode.Invalid, $"{field} must be greater than zero", Field: field)));

    [Fact]
    public void Every_field_of_a_refusal_is_a_member_of_a_message()
    {
        var members = Routes.All.SelectMany(route => ProtocolJson.Strict.GetTypeInfo(route.Request)!.Properties).Select(member => member.Name).ToHashSet();
        var fields = Code("Access", "CertAuthority").SelectMany(file => Fields().Matches(file.Text)).Select(found => found.Groups["field"].Value).ToHashSet();
        Assert.True(fields.Count > 10, string.Join(", ", fields));
        Assert.Empty(fields.Except(members));
    }

    [Fact]
    public void Every_remedy_of_the_rules_is_a_step()
    {
        foreach (var type in typeof(Remedy).GetNestedTypes())
            Assert.NotNull(NextSteps.From((Remedy)Make(type, absent: false)));
    }

    /// <summary>Where the daemon may name a command: its own options, what administrators on its host read in its log, and mail, which no program of ours shows.</summary>
    private static readonly (string File, string Text)[] Exceptions =
    [
        ("DaemonCommand.cs", "--"),
        ("SettingsReview.cs", "name the daemon's with --data-dir"),
        ("KeyChange.cs", "--new-ca"),
        ("SettingsAgreement.cs", "or start with --adopt-configuration"),
        ("Server.cs", "--hostBuilder:reloadConfigOnChange=false"),
        ("RotatingKeys.cs", "or begin with the keys that are there: certauthority --new-ca"),
        ("Reconfiguration.cs", "tctl audit ls says whose"),
        ("Database.cs", "tctl status names it until it is mended"),
        ("NotifyDelivery.cs", "tctl status says how many wait"),
        ("ClockWatch.cs", "root says that it is: tctl clock accept"),
        ("NoticeText.cs", "to approve it: tsh request review"),
        ("NoticeText.cs", "to use it: tsh login"),
        ("NoticeText.cs", "to see it: tsh request show"),
    ];

    [Fact]
    public void The_rules_name_no_command_and_no_option() =>
        Assert.Empty(Code("Access").SelectMany(file => file.Text.Split('\n').Where(line => Named().IsMatch(line)).Select(line => $"{file.Name}: {line.Trim()}")));

    [Fact]
    public void The_daemon_names_commands_only_where_administrators_read()
    {
        var named = Code("CertAuthority").SelectMany(file => Literals.Of(file.Text).Where(text => Named().IsMatch(text)).Select(text => (file.Name, Text: text))).ToList();
        Assert.DoesNotContain(named, one => !Exceptions.Any(exception => exception.File == one.Name && one.Text.Contains(exception.Text, StringComparison.Ordinal)));
        Assert.All(Exceptions, exception => Assert.Contains(named, one => exception.File == one.Name && one.Text.Contains(exception.Text, StringComparison.Ordinal)));
    }

    private static IEnumerable<(string Name, string Text)> Code(params string[] folders) => folders
        .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Document.Root, "src", folder), "*.cs", SearchOption.AllDirectories))
        .Where(file => !file.Contains("/obj/", StringComparison.Ordinal))
        .Select(file => (Path.GetFileName(file), File.ReadAllText(file)));

    /// <summary>A step with all of its members, and the same step without those that can be missing.</summary>
    private static IEnumerable<NextStep> Samples(Type type) => type == typeof(NextStep.List)
        ? ((string[])["certificate", "request", "node", "role", "user", "lock"]).Select(kind => new NextStep.List(kind))
        : [
            (NextStep)Make(type, absent: false),
            (NextStep)Make(type, absent: true),
            .. Parameters(type).Where(one => one.HasDefaultValue).Select(one => (NextStep)Make(type, absent: true, but: one.Name)),
        ];

    private static object Make(Type type, bool absent, string? but = null) =>
        type.GetConstructors().Single().Invoke([.. Parameters(type).Select(one => absent && one.HasDefaultValue && one.Name != but ? one.DefaultValue : Sample(one))]);

    private static object Sample(ParameterInfo one) => (one.ParameterType, one.Name) switch
    {
        (var type, _) when type == typeof(bool) => true,
        (var type, _) when type == typeof(Guid) => Guid.Parse("bc8ca931-fec9-4b15-9a6f-20c13c5641a9"),
        (var type, _) when type == typeof(ImmutableArray<string>) => ImmutableArray.Create("dba", "web"),
        (var type, "Requests") when type == typeof(string[]) => new[] { "bc8ca931-fec9-4b15-9a6f-20c13c5641a9" },
        (var type, _) when type == typeof(string[]) => new[] { "dba", "web" },
        (_, "Request") => "bc8ca931-fec9-4b15-9a6f-20c13c5641a9",
        (_, "Resource") => "role/dba",
        _ => "alice",
    };

    private static ParameterInfo[] Parameters(Type type) => type.GetConstructors() is [var only] ? only.GetParameters() : [];

    private static readonly HashSet<string> AllOptions = [.. ((Command[])[new TshCommand(), new TctlCommand()]).SelectMany(OptionsOf)];

    private static IEnumerable<string> OptionsOf(Command command) =>
        command.Options.SelectMany(option => option.Aliases.Append(option.Name)).Concat(command.Subcommands.SelectMany(OptionsOf));

    [GeneratedRegex("--[a-z][a-z-]*")]
    private static partial Regex Options();

    [GeneratedRegex(@"\btsh\b|\btctl\b|(?<![\w-])--[a-z]", RegexOptions.None)]
    private static partial Regex Named();

    [GeneratedRegex("""(?:InvalidField|Refusal\.Of|Durations\.Beyond|Problems\.Duration|Problems\.Instant|[^.]Duration)\("(?<field>[a-z0-9_]+)"|throw Problems\.InvalidField\("(?<field>[a-z0-9_]+)""", RegexOptions.ExplicitCapture)]
    private static partial Regex Fields();
}
