using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Reach;
using CertAuthority.Keys;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Signer;
using CertAuthority.Signing;
using CertAuthority.Tests.Unit.Docs;
using CertAuthority.Ui.Serving;

namespace CertAuthority.Tests.Unit.Architecture;

/// <summary>Who may know whom, read from what was compiled.</summary>
public class ArchitectureTests
{
    private static readonly Assembly Daemon = typeof(Authority).Assembly;
    private static readonly Assembly[] Leaves = [typeof(IssuancePolicy).Assembly, typeof(Certificate).Assembly, typeof(AtomicFile).Assembly];
    private static readonly Assembly Ui = typeof(Door).Assembly;
    private static readonly Assembly Keys = typeof(PrivateKey).Assembly;
    private static readonly Assembly Signer = typeof(SigningAgent).Assembly;
    private static readonly Assembly[] Ours = [Daemon, .. Leaves, typeof(Route).Assembly, typeof(CertAuthority.Terminal.Table).Assembly, Assembly.Load("tsh"), Assembly.Load("tctl"), Ui, Keys, Signer];
    private static readonly List<Use> InDaemon = Uses.Of(Daemon);
    private static readonly List<Use> InUi = Uses.Of(Ui);
    private static readonly List<Use> InAccess = Uses.Of(typeof(IssuancePolicy).Assembly);

    // Which folders each folder may know, from the ground up; what stands at the root of the daemon knows them all.
    private static readonly Dictionary<string, string[]> InDaemonKnows = new()
    {
        ["Resources"] = [],
        ["Configuration"] = ["Resources"],
        ["Metrics"] = [],
        ["Signing"] = ["Configuration", "Metrics"],
        ["Store"] = ["Resources", "Signing", "Metrics"],
        ["Hosting"] = ["Store"],
        ["Revocation"] = ["Hosting", "Store", "Signing", "Metrics"],
        ["Auditing"] = ["Hosting", "Store", "Signing"],
        ["Push"] = ["Hosting", "Revocation", "Auditing", "Store", "Signing", "Configuration"],
        ["Operations"] = ["Hosting", "Store", "Signing", "Resources", "Auditing", "Revocation", "Push", "Configuration", "Metrics"],
        ["Notices"] = ["Store", "Configuration"],
        ["Flow"] = ["Notices", "Store", "Configuration"],
        ["Jobs"] = ["Hosting", "Flow", "Notices", "Operations", "Push", "Revocation", "Auditing", "Store", "Signing", "Configuration"],
        ["Api"] = ["Operations", "Configuration", "Store", "Metrics"],
    };

    private static readonly Dictionary<string, string[]> InAccessKnows = new()
    {
        ["Values"] = [],
        ["Predicates"] = ["Values"],
        ["Roles"] = ["Predicates", "Values"],
        ["Users"] = ["Roles", "Values"],
        ["Nodes"] = ["Values"],
        ["Locks"] = ["Users", "Values"],
        ["Reach"] = ["Locks", "Nodes", "Users", "Roles", "Values"],
        ["Rotations"] = ["Values"],
        ["Requests"] = ["Reach", "Locks", "Nodes", "Users", "Roles", "Values"],
        ["Reviews"] = ["Requests", "Locks", "Users", "Roles", "Predicates", "Values"],
        ["Notices"] = ["Requests", "Users", "Roles", "Values"],
        ["Issuance"] = ["Requests", "Reach", "Locks", "Nodes", "Users", "Roles", "Values"],
        ["Facts"] = ["Issuance", "Reviews", "Requests", "Reach", "Locks", "Nodes", "Users", "Roles", "Values"],
    };

    private static readonly Dictionary<string, string[]> InUiKnows = new()
    {
        ["Desks"] = [],
        ["Serving"] = ["Desks"],
        ["Pages"] = ["Serving", "Desks"],
    };

    public static readonly TheoryData<string, string> Folders = Rows(("CertAuthority", InDaemonKnows), ("CertAuthority.Access", InAccessKnows), ("CertAuthority.Ui", InUiKnows));

    public static readonly TheoryData<string> LeafNames = [.. Leaves.Select(leaf => leaf.GetName().Name!)];

    [Theory]
    [MemberData(nameof(LeafNames))]
    public void Leaf_project_references_no_other_project(string leaf) =>
        Assert.DoesNotContain(
            Leaves.Single(one => one.GetName().Name == leaf).GetReferencedAssemblies(),
            reference => Ours.Any(ours => ours.GetName().Name == reference.Name));

    [Fact]
    public void Protocol_references_only_the_system_calls() =>
        Assert.Equal(["CertAuthority.Linux"], typeof(Route).Assembly.GetReferencedAssemblies().Select(one => one.Name!).Intersect(Ours.Select(one => one.GetName().Name!)));

    [Fact]
    public void Command_lines_do_not_reference_the_daemon() =>
        Assert.DoesNotContain(
            Ours.Where(one => one != Daemon).SelectMany(one => one.GetReferencedAssemblies()),
            reference => reference.Name == Daemon.GetName().Name || reference.Name!.StartsWith("Microsoft.Data", StringComparison.Ordinal));

    [Fact]
    public void Signer_references_only_what_it_needs()
    {
        Assert.Equal(["CertAuthority.Linux", "CertAuthority.OpenSsh"], OwnReferences(Keys));
        Assert.Equal(["CertAuthority.Access", "CertAuthority.Keys", "CertAuthority.Linux", "CertAuthority.OpenSsh"], OwnReferences(Signer));
    }

    [Fact]
    public void Only_the_programs_that_sign_reference_private_keys() =>
        Assert.Equal([Daemon, Signer], Ours.Where(one => OwnReferences(one).Contains(Keys.GetName().Name)));

    [Theory]
    [MemberData(nameof(Folders))]
    public void Folder_uses_only_folders_below_it(string root, string folder)
    {
        var (uses, knows) = Of(root);
        var own = uses.Where(use => use.ByType.Namespace == $"{root}.{folder}").ToList();
        Assert.NotEmpty(own);
        Assert.DoesNotContain(own, use => use.Type.Assembly == use.ByType.Assembly && IsBelow(root, use.Type) && use.Type.Namespace != use.ByType.Namespace
            && !knows[folder].Any(one => use.Type.Namespace == $"{root}.{one}"));
    }

    [Theory]
    [InlineData("CertAuthority")]
    [InlineData("CertAuthority.Access")]
    [InlineData("CertAuthority.Ui")]
    public void Folder_order_names_every_folder_and_has_no_cycle(string root)
    {
        var (uses, knows) = Of(root);
        Assert.Equal(
            uses.Select(use => use.ByType).Where(type => IsBelow(root, type)).Select(type => type.Namespace![(root.Length + 1)..]).Distinct().Order(StringComparer.Ordinal),
            knows.Keys.Order(StringComparer.Ordinal));
        var below = new HashSet<string>();
        while (knows.FirstOrDefault(folder => !below.Contains(folder.Key) && folder.Value.All(below.Contains)).Key is { } next)
            below.Add(next);
        Assert.Equal(knows.Count, below.Count);
    }

    // Constants of another folder leave no trace in what was compiled; but without a using they cannot be named.
    [Fact]
    public void File_of_Access_names_only_folders_below_its_own()
    {
        var files = Directory.EnumerateFiles(Path.Combine(Document.Root, "src", "Access"), "*.cs", SearchOption.AllDirectories)
            .Select(file => (Folder: Path.GetFileName(Path.GetDirectoryName(file)!), Text: File.ReadAllText(file))).Where(file => InAccessKnows.ContainsKey(file.Folder)).ToList();
        Assert.NotEmpty(files);
        // Those that other projects compile too have a name of no folder.
        Assert.Equal(
            ["UtcText", "VisibleText"],
            files.Where(file => !file.Text.Contains($"namespace CertAuthority.Access.{file.Folder};", StringComparison.Ordinal))
                .Select(file => Regex.Match(file.Text, "internal (static class|struct) (?<name>[A-Za-z]+)").Groups["name"].Value).Order(StringComparer.Ordinal));
        Assert.All(files, file => Assert.All(
            InAccessKnows.Keys.Where(folder => file.Text.Contains($"using CertAuthority.Access.{folder};", StringComparison.Ordinal)), folder => Assert.Contains(folder, InAccessKnows[file.Folder])));
    }

    [Fact]
    public void Only_the_store_uses_a_database() =>
        Assert.Equal(["CertAuthority.Store"], Users(use => use.Type.Namespace!.StartsWith("System.Data", StringComparison.Ordinal)).Select(type => type.Namespace!).Distinct());

    [Fact]
    public void These_classes_alone_name_a_database_engine()
    {
        Assert.Equal(["CertAuthority.Store.Sqlite"], Of("Microsoft.Data", "SQLitePCL"));
        Assert.Equal([
                "CertAuthority.Store.Postgres", "CertAuthority.Store.PostgresDemands", "CertAuthority.Store.PostgresFollower",
                "CertAuthority.Store.PostgresLock", "CertAuthority.Store.PostgresRealms", "CertAuthority.Store.PostgresSchema", "CertAuthority.Store.PostgresStatements", "CertAuthority.Store.RecordedServer",
            ], Of("Npgsql"));

        static IEnumerable<string> Of(params string[] spaces) =>
            Users(use => use.Type.Namespace is { } space && spaces.Any(one => space.StartsWith(one, StringComparison.Ordinal))).Select(type => type.FullName!);
    }

    [Fact]
    public void Only_the_issuance_policy_creates_a_grant() =>
        Assert.Equal([typeof(IssuancePolicy)], Everywhere(use => use.IsNew && use.What.DeclaringType == typeof(IssuanceGrant)).Select(use => use.ByType).Distinct());

    [Fact]
    public void Only_Principals_creates_a_principal() =>
        Assert.Equal([typeof(Principals)], Everywhere(use => use.IsNew && use.What.DeclaringType == typeof(Principal)).Select(use => use.ByType).Distinct());

    [Fact]
    public void Only_a_grant_becomes_bytes_to_be_signed()
    {
        var made = Everywhere(use => use.IsNew && use.What.DeclaringType == typeof(ToBeSigned)).Select(use => use.By).Distinct().ToList();
        Assert.All(made, by => Assert.Equal((typeof(ToBeSigned), nameof(ToBeSigned.From)), (by.DeclaringType!, by.Name)));
        Assert.Equal([typeof(HostGrant), typeof(IssuanceGrant), typeof(SyncGrant)], made.Select(by => ((MethodBase)by).GetParameters()[0].ParameterType).OrderBy(type => type.Name));
        foreach (var grant in (Type[])[typeof(HostGrant), typeof(IssuanceGrant), typeof(SyncGrant)])
            Assert.DoesNotContain(grant.GetConstructors(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance), constructor => constructor.IsPublic);
    }

    [Fact]
    public void Only_the_host_policy_creates_a_host_grant() =>
        Assert.Equal([typeof(HostCertification)], Everywhere(use => use.IsNew && use.What.DeclaringType == typeof(HostGrant)).Select(use => use.ByType).Distinct());

    [Fact]
    public void Only_the_sync_policy_creates_a_sync_grant() =>
        Assert.Equal([typeof(SyncCertification)], Everywhere(use => use.IsNew && use.What.DeclaringType == typeof(SyncGrant)).Select(use => use.ByType).Distinct());

    [Fact]
    public void Only_logins_nodes_and_the_sync_identity_have_keys_signed() =>
        Assert.Equal([typeof(CertAuthority.Push.SyncIdentity), typeof(Logins), typeof(Nodes)], Everywhere(use => use.What is MethodInfo { Name: "Sign" } sign && sign.DeclaringType == typeof(CaKey)).Select(use => use.ByType).Distinct());

    [Fact]
    public void Only_the_CA_key_requests_a_signature() =>
        Assert.Equal([typeof(CaKey)], Everywhere(use => use.What is MethodInfo { Name: "SignBytes" }).Select(use => use.ByType).Distinct());

    [Fact]
    public void Only_the_keys_and_the_signer_sign_with_a_private_key() =>
        Assert.Equal([typeof(AuditKey), typeof(FileCaKey), typeof(KeyFile), typeof(SigningAgent)], Everywhere(use => use.What is MethodInfo { Name: "Sign" } sign && sign.DeclaringType!.IsAssignableTo(typeof(PrivateKey))).Select(use => use.ByType).Distinct());

    [Fact]
    public void Only_the_ed25519_key_names_BouncyCastle() =>
        Assert.Equal([typeof(Ed25519PrivateKey)], Everywhere(use => use.Type.Namespace?.StartsWith("Org.BouncyCastle", StringComparison.Ordinal) == true).Select(use => use.ByType).Distinct());

    [Fact]
    public void System_calls_are_in_one_project_and_call_only_libc()
    {
        var imports = Ours.SelectMany(assembly => assembly.GetTypes())
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Where(method => method.GetCustomAttribute<DllImportAttribute>() is not null).ToList();
        Assert.NotEmpty(imports);
        Assert.All(imports, method => Assert.Equal("libc", method.GetCustomAttribute<DllImportAttribute>()!.Value));
        Assert.All(imports, method => Assert.Equal(typeof(AtomicFile).Assembly, method.DeclaringType!.Assembly));
    }

    // Where a program is a conversation, owns the terminal or is the person's browser, the runner with a time limit is not for it.
    [Fact]
    public void Only_the_runner_and_conversations_start_programs() =>
        Assert.Equal(
            ["CertAuthority.Linux.ChildProcess", "CertAuthority.Protocol.SshTransport", "CertAuthority.Push.Sftp", "CertAuthority.Tctl.AgeEncryption", "CertAuthority.Tctl.EditCommand", "CertAuthority.Tctl.RemoteHost", "CertAuthority.Ui.PageCommand"],
            Everywhere(use => use.What is MethodInfo { Name: "Start" } && use.Type == typeof(System.Diagnostics.Process)).Select(use => Outer(use.ByType).FullName!).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void Only_the_atomic_writer_and_new_keys_rename_files() =>
        Assert.Equal(
            ["CertAuthority.Linux.AtomicFile", "CertAuthority.Tsh.Home", "CertAuthority.Tsh.LoginKey"],
            Everywhere(use => use.What is MethodInfo { Name: "Move" } && use.Type == typeof(File)).Select(use => Outer(use.ByType).FullName!).Distinct().Order(StringComparer.Ordinal));

    // The sockets are bound here or passed by systemd, and what they accept becomes a socket of .NET. Hosting.Systemd tells systemd that the daemon serves.
    // The page is the client's, on loopback. Nothing comes from the journal's socket, and only answers from that of the agent.
    [Fact]
    public void Only_the_server_and_the_socket_files_serve() =>
        Assert.Equal(
            ["CertAuthority.Api.Server", "CertAuthority.Linux.Accepted", "CertAuthority.Linux.JournalSocket", "CertAuthority.Linux.PassedSocket", "CertAuthority.Linux.SocketFile", "CertAuthority.Protocol.UnixTransport", "CertAuthority.Signing.AgentClient", "CertAuthority.Ui.PageServer"],
            Everywhere(use => use.What is ConstructorInfo && use.IsNew && use.Type == typeof(System.Net.Sockets.Socket) || use.Type.Namespace == "Microsoft.AspNetCore.Server.Kestrel.Core")
                .Select(use => use.ByType.FullName!).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void Only_notices_reach_other_machines() =>
        Assert.Equal(
            ["CertAuthority.Notices.HttpAnswer", "CertAuthority.Notices.Mail", "CertAuthority.Notices.Slack", "CertAuthority.Notices.Webhook"],
            Users(use => use.Type.Namespace is "System.Net.Http" || use.Type.Namespace!.StartsWith("MailKit", StringComparison.Ordinal)).Select(type => type.FullName!).Order(StringComparer.Ordinal));

    private static TheoryData<string, string> Rows(params (string Root, Dictionary<string, string[]> Knows)[] all)
    {
        var rows = new TheoryData<string, string>();
        foreach (var (root, knows) in all)
            foreach (var folder in knows.Keys)
                rows.Add(root, folder);
        return rows;
    }

    private static (List<Use> Uses, Dictionary<string, string[]> Knows) Of(string root) =>
        root switch { "CertAuthority" => (InDaemon, InDaemonKnows), "CertAuthority.Ui" => (InUi, InUiKnows), _ => (InAccess, InAccessKnows) };

    private static IEnumerable<Type> Users(Func<Use, bool> which) => InDaemon.Where(use => use.Type.Namespace is not null && which(use)).Select(use => use.ByType).Distinct();

    private static IEnumerable<string> OwnReferences(Assembly of) =>
        of.GetReferencedAssemblies().Select(one => one.Name!).Intersect(Ours.Select(one => one.GetName().Name!)).Order(StringComparer.Ordinal);

    private static IEnumerable<Use> Everywhere(Func<Use, bool> which) => Ours.SelectMany(Uses.Of).Where(which);

    private static Type Outer(Type type) => type.DeclaringType is { } outer ? Outer(outer) : type;

    // Not what the compiler, a generator or another project's file put beside ours.
    private static bool IsBelow(string root, Type type) => type.Namespace?.StartsWith($"{root}.", StringComparison.Ordinal) == true;
}
