using System.Reflection;
using System.Runtime.InteropServices;
using CertAuthority.Access;
using CertAuthority.OpenSsh;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Signing;

namespace CertAuthority.Tests.Unit.Architecture;

/// <summary>Who may know whom, read from what was compiled.</summary>
public class ArchitectureTests
{
    private static readonly Assembly Daemon = typeof(Ca).Assembly;
    private static readonly Assembly[] Leaves = [typeof(IssuancePolicy).Assembly, typeof(Certificate).Assembly, typeof(Route).Assembly];
    private static readonly Assembly[] Ours = [Daemon, .. Leaves, typeof(CertAuthority.Terminal.Table).Assembly, Assembly.Load("tsh"), Assembly.Load("tctl")];
    private static readonly List<Use> InDaemon = Uses.Of(Daemon);

    // Which folders each folder of the daemon may know; Program and Daemon, at the root, know them all.
    private static readonly Dictionary<string, string[]> Knows = new()
    {
        ["Linux"] = [],
        ["Resources"] = [],
        ["Configuration"] = ["Resources", "Linux"],
        ["Signing"] = ["Configuration", "Linux"],
        ["Store"] = ["Resources", "Linux"],
        ["Hosting"] = ["Store"],
        ["Revocation"] = ["Hosting", "Store", "Signing", "Linux"],
        ["Push"] = ["Hosting", "Revocation", "Store", "Signing", "Configuration", "Linux"],
        ["Operations"] = ["Store", "Signing", "Resources", "Revocation", "Push", "Configuration", "Linux"],
        ["Notices"] = ["Store", "Configuration", "Linux"],
        ["Jobs"] = ["Hosting", "Notices", "Operations", "Push", "Revocation", "Store", "Configuration", "Linux"],
        ["Api"] = ["Operations", "Configuration", "Linux", "Store"],
    };

    public static readonly TheoryData<string> Folders = [.. Knows.Keys];

    public static readonly TheoryData<string> LeafNames = [.. Leaves.Select(leaf => leaf.GetName().Name!)];

    [Theory]
    [MemberData(nameof(LeafNames))]
    public void A_leaf_knows_no_other_project(string leaf) =>
        Assert.DoesNotContain(
            Leaves.Single(one => one.GetName().Name == leaf).GetReferencedAssemblies(),
            reference => Ours.Any(ours => ours.GetName().Name == reference.Name));

    [Fact]
    public void The_command_lines_do_not_know_the_daemon() =>
        Assert.DoesNotContain(
            Ours.Where(one => one != Daemon).SelectMany(one => one.GetReferencedAssemblies()),
            reference => reference.Name == Daemon.GetName().Name || reference.Name!.StartsWith("Microsoft.Data", StringComparison.Ordinal));

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_folder_of_the_daemon_knows_only_those_below_it(string folder)
    {
        var known = Knows[folder];
        var own = InDaemon.Where(use => use.ByType.Namespace == $"CertAuthority.{folder}").ToList();
        Assert.NotEmpty(own);
        var beyond = own.Where(use => use.Type.Assembly == Daemon && IsOurs(use.Type) && use.Type.Namespace != $"CertAuthority.{folder}"
            && !known.Any(one => use.Type.Namespace == $"CertAuthority.{one}")).ToList();
        Assert.Empty(beyond);
    }

    [Fact]
    public void The_order_of_the_folders_names_every_folder_and_has_no_circle()
    {
        Assert.Equal(
            Daemon.GetTypes().Where(type => IsOurs(type) && type.Namespace != "CertAuthority").Select(type => type.Namespace!["CertAuthority.".Length..]).Distinct().Order(StringComparer.Ordinal),
            Knows.Keys.Order(StringComparer.Ordinal));
        var below = new HashSet<string>();
        while (Knows.FirstOrDefault(folder => !below.Contains(folder.Key) && folder.Value.All(below.Contains)).Key is { } next)
            below.Add(next);
        Assert.Equal(Knows.Count, below.Count);
    }

    [Fact]
    public void Only_the_store_speaks_to_a_database() =>
        Assert.Equal(["CertAuthority.Store"], Users(use => use.Type.Namespace!.StartsWith("System.Data", StringComparison.Ordinal)).Select(type => type.Namespace!).Distinct());

    [Fact]
    public void Only_Sqlite_cs_names_the_engine() =>
        Assert.Equal(["CertAuthority.Store.Sqlite"], Users(use => use.Type.Namespace is { } space && (space.StartsWith("Microsoft.Data", StringComparison.Ordinal) || space.StartsWith("SQLitePCL", StringComparison.Ordinal))).Select(type => type.FullName!));

    [Fact]
    public void Only_the_issuance_policy_makes_a_grant() =>
        Assert.Equal([typeof(IssuancePolicy)], Everywhere(use => use.IsNew && use.What.DeclaringType == typeof(IssuanceGrant)).Select(use => use.ByType).Distinct());

    [Fact]
    public void Only_the_principals_of_the_policy_make_a_principal() =>
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
    public void Only_the_policy_of_hosts_makes_a_grant_for_one() =>
        Assert.Equal([typeof(HostCertification)], Everywhere(use => use.IsNew && use.What.DeclaringType == typeof(HostGrant)).Select(use => use.ByType).Distinct());

    [Fact]
    public void Only_the_policy_of_writing_to_hosts_makes_a_grant_for_that() =>
        Assert.Equal([typeof(SyncCertification)], Everywhere(use => use.IsNew && use.What.DeclaringType == typeof(SyncGrant)).Select(use => use.ByType).Distinct());

    [Fact]
    public void Only_logins_hosts_and_the_daemon_itself_have_something_signed() =>
        Assert.Equal([typeof(CertAuthority.Push.SyncIdentity), typeof(Logins), typeof(Nodes)], Everywhere(use => use.What is MethodInfo { Name: "Sign" } sign && sign.DeclaringType == typeof(CaKey)).Select(use => use.ByType).Distinct());

    [Fact]
    public void Only_the_CA_key_asks_a_key_for_a_signature() =>
        Assert.Equal([typeof(CaKey)], Everywhere(use => use.What is MethodInfo { Name: "SignBytes" }).Select(use => use.ByType).Distinct());

    [Fact]
    public void Only_the_file_of_the_CA_holds_a_private_key_that_signs() =>
        Assert.Equal([typeof(FileCaKey)], Everywhere(use => use.What is MethodInfo { Name: "Sign" } sign && sign.DeclaringType!.IsAssignableTo(typeof(PrivateKey))).Select(use => use.ByType).Distinct());

    [Fact]
    public void Only_signing_calls_libcrypto()
    {
        var imports = Ours.SelectMany(assembly => assembly.GetTypes())
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Select(method => (Type: Uses.Outermost(method.DeclaringType!), method.GetCustomAttribute<DllImportAttribute>()?.Value))
            .Where(import => import.Value is not null).Distinct().ToList();
        Assert.Equal([typeof(Libcrypto)], imports.Where(import => import.Value!.Contains("crypto", StringComparison.Ordinal)).Select(import => import.Type));
        Assert.All(imports.Where(import => import.Type != typeof(Libcrypto)), import => Assert.Equal("libc", import.Value));
    }

    // The sockets are bound here or passed by systemd, and what they accept becomes a socket of .NET. Hosting.Systemd tells systemd that the daemon serves.
    [Fact]
    public void Only_the_server_and_the_socket_file_serve() =>
        Assert.Equal(
            ["CertAuthority.Api.Server", "CertAuthority.Linux.Accepted", "CertAuthority.Linux.PassedSocket", "CertAuthority.Linux.SocketFile"],
            Users(use => use.What is ConstructorInfo && use.IsNew && use.Type == typeof(System.Net.Sockets.Socket) || use.Type.Namespace == "Microsoft.AspNetCore.Server.Kestrel.Core")
                .Select(type => type.FullName!).Order(StringComparer.Ordinal));

    [Fact]
    public void Only_notices_reach_other_machines() =>
        Assert.Equal(
            ["CertAuthority.Notices.Mail", "CertAuthority.Notices.Webhook"],
            Users(use => use.Type.Namespace is "System.Net.Http" || use.Type.Namespace!.StartsWith("MailKit", StringComparison.Ordinal)).Select(type => type.FullName!).Order(StringComparer.Ordinal));

    private static IEnumerable<Type> Users(Func<Use, bool> which) => InDaemon.Where(use => use.Type.Namespace is not null && which(use)).Select(use => use.ByType).Distinct();

    private static IEnumerable<Use> Everywhere(Func<Use, bool> which) => Ours.SelectMany(Uses.Of).Where(which);

    // Not what the compiler or a generator put beside ours.
    private static bool IsOurs(Type type) => type.Namespace is { } space && (space == "CertAuthority" || space.StartsWith("CertAuthority.", StringComparison.Ordinal));
}
