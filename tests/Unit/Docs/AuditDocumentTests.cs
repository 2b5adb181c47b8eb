using CertAuthority.Protocol;

namespace CertAuthority.Tests.Unit.Docs;

/// <summary>The tables of docs/audit.md are the table of events, character for character.</summary>
public class AuditDocumentTests
{
    private static readonly Document Page = Document.Read("docs/audit.md");

    [Fact]
    public void Table_of_events_is_the_one_in_code() => Same(
        "| event | priority | by | meaning | always | sometimes |",
        AuditEvents.All.Select(one => $"| `{one.Name}` | {Lower(one.Priority)} | {Lower(one.By)} | {one.Meaning} | {Members(one.Always)} | {Members(one.Sometimes)} |"));

    [Fact]
    public void Table_of_message_IDs_is_the_one_in_code() =>
        Same("| event | `MESSAGE_ID` |", AuditEvents.All.Select(one => $"| `{one.Name}` | `{one.MessageId}` |"));

    /// <summary>Compares a table with its rows, and says which lines to write instead of which.</summary>
    private static void Same(string head, IEnumerable<string> rows)
    {
        var written = Page.Text.Split('\n').SkipWhile(line => line != head).Skip(2).TakeWhile(line => line.StartsWith('|')).ToList();
        var table = rows.ToList();
        var differences = written.Except(table).Select(line => $"- {line}").Concat(table.Except(written).Select(line => $"+ {line}")).ToList();
        Assert.True(differences.Count == 0, $"docs/audit.md, below {head}:\n{string.Join('\n', differences)}");
        Assert.Equal(table, written);
    }

    private static string Lower<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();

    private static string Members(IEnumerable<string> members) => members.Any() ? string.Join(", ", members.Select(member => $"`{member}`")) : "-";
}
