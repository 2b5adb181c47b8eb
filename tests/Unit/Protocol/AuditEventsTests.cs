using System.Reflection;
using System.Text.RegularExpressions;
using CertAuthority.Access.Notices;
using CertAuthority.Protocol;
using CertAuthority.Tests.Unit.Docs;

namespace CertAuthority.Tests.Unit.Protocol;

/// <summary>The table of the events of the audit: whole, without doubles, and the only place that names an event.</summary>
public class AuditEventsTests
{
    [Fact]
    public void Table_has_every_event_once()
    {
        var declared = typeof(AuditEvents).GetFields(BindingFlags.Static | BindingFlags.Public).Where(field => field.FieldType == typeof(AuditEvent)).Select(field => (AuditEvent)field.GetValue(null)!);
        Assert.Equal(declared, AuditEvents.All);
        Assert.Equal(AuditEvents.All.Length, AuditEvents.All.Select(one => one.Name).Distinct().Count());
        Assert.Equal(AuditEvents.All.Length, AuditEvents.All.Select(one => one.MessageId).Distinct().Count());
        // As systemd-id128 makes them.
        Assert.All(AuditEvents.All, one => Assert.Matches("^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$", one.MessageId));
    }

    [Fact]
    public void Members_of_the_table_are_those_of_an_entry()
    {
        var written = AuditEvents.All.SelectMany(one => one.Always.Concat(one.Sometimes)).Concat(AuditEvents.OfEveryEntry).Concat(AuditEvents.OfCallers).Append(AuditEvents.Uid).Append("seq");
        Assert.Equal(ProtocolJson.Strict.Of<AuditEntry>().Properties.Select(member => member.Name).Order(StringComparer.Ordinal), written.Distinct().Order(StringComparer.Ordinal));
        Assert.All(AuditEvents.All, one => Assert.Empty(one.Always.Intersect(one.Sometimes)));
    }

    /// <summary>
    /// Notices have names of their own, some of which are the same. Programs that read the audit compare with the names of the table; they
    /// create no entry.
    /// </summary>
    [Fact]
    public void Daemon_names_events_only_in_the_table()
    {
        var names = AuditEvents.All.Select(one => one.Name).ToHashSet(StringComparer.Ordinal);
        var files = Directory.EnumerateFiles(Path.Combine(Document.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/src/Tctl/Reports/", StringComparison.Ordinal) && Path.GetFileName(file) is not ("AuditEvents.cs" or "NoticeEvents.cs"))
            .Select(file => (Name: Path.GetFileName(file), Text: Regex.Replace(File.ReadAllText(file), "^ *//.*$", "", RegexOptions.Multiline))).ToList();
        Assert.Empty(from file in files from Match word in Regex.Matches(file.Text, "\"([a-z_]+\\.[a-z_]+)\"") where names.Contains(word.Groups[1].Value) select $"{file.Name}: {word.Value}");
        Assert.Empty(files.Where(file => Regex.IsMatch(file.Text, @"new AuditEntry\b|\bEvent = \$?""")).Select(file => file.Name));
        Assert.Contains(NoticeEvents.Created, names);
    }

    [Theory]
    [InlineData("""{"time":1,"event":"backup.taken","uid":0,"account":"root"}""", null)]
    [InlineData("""{"time":1,"event":"backup.taken","uid":0,"serial":"7"}""", "backup.taken has serial")]
    [InlineData("""{"time":1,"event":"backup.taken"}""", "no caller caused backup.taken")]
    [InlineData("""{"time":1,"event":"daemon.stopped","uid":0,"version":"1"}""", "a caller caused daemon.stopped")]
    [InlineData("""{"time":1,"event":"daemon.stopped"}""", "daemon.stopped lacks version")]
    [InlineData("""{"time":1,"event":"backup.given"}""", "the table has no event backup.given")]
    public void Entry_is_judged_by_its_row(string entry, string? fault) => Assert.Equal(fault, AuditFields.Fault(System.Text.Encoding.UTF8.GetBytes(entry)));
}
