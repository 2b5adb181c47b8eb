using System.Text.RegularExpressions;

namespace CertAuthority.Tests.Unit.Docs;

/// <summary>What the texts point at exists, and what they tell people to type is understood.</summary>
public class DocumentTests
{
    // $(…): a command of its own, and in the line around it some word.
    private static readonly Regex Substituted = new(@"\$\((?<command>(?:[^()]|\([^()]*\))*)\)", RegexOptions.ExplicitCapture);

    [Fact]
    public void Every_link_leads_to_a_file()
    {
        foreach (var document in Document.All)
            foreach (Match link in Regex.Matches(document.Text, @"\]\((?<target>[^)#:]+)\)"))
            {
                var target = Path.Combine(Document.Root, Path.GetDirectoryName(document.Path)!, link.Groups["target"].Value);
                Assert.True(Path.Exists(target), $"{document.Path} links to {link.Groups["target"].Value}, which does not exist");
            }
    }

    [Fact]
    public void Every_path_named_in_backquotes_exists()
    {
        foreach (var document in Document.All)
            foreach (Match path in Regex.Matches(document.Text, "`(?<path>(?:src|tests|docs|config)/[^` *…]*)`"))
                Assert.True(Path.Exists(Path.Combine(Document.Root, path.Groups["path"].Value)), $"{document.Path} names {path.Groups["path"].Value}, which does not exist");
    }

    [Fact]
    public void Every_test_named_in_a_document_exists()
    {
        var tests = Directory.EnumerateFiles(Path.Combine(Document.Root, "tests"), "*.cs", SearchOption.AllDirectories)
            .ToLookup(file => Path.GetFileNameWithoutExtension(file), File.ReadAllText);
        foreach (var document in Document.All)
            foreach (Match named in Regex.Matches(document.Text, @"`(?<class>\w+(?:Tests|Properties))(?:\.(?<method>\w+))?`|(?<method>\b[A-Z][A-Za-z]*(?:_\w+){3,})", RegexOptions.ExplicitCapture))
            {
                var files = named.Groups["class"] is { Success: true, Value: var name } ? tests[name] : tests.SelectMany(file => file);
                Assert.True(
                    files.Any(text => !named.Groups["method"].Success || text.Contains($" {named.Groups["method"].Value}(")),
                    $"{document.Path} names {named.Value}, and there is no such test");
            }
    }

    [Fact]
    public void Every_promise_names_its_test()
    {
        var text = Document.Read("docs/security-model.md").Text;
        var attackers = Regex.Matches(Section("Attackers"), @"^\*\*(?:.+\n)+", RegexOptions.Multiline).Select(one => one.Value).ToList();
        var promises = Regex.Matches(Section("Safeguards against mistakes"), @"^- .+\n(?:  .+\n)*", RegexOptions.Multiline).Select(one => one.Value).ToList();
        Assert.True(attackers.Count > 20 && promises.Count > 15, "the sections have another form now");
        Assert.All(attackers.Concat(promises), promise => Assert.Matches(@"`\w+(?:Tests|Properties)[.`]", promise));

        string Section(string title) => Regex.Match(text, $@"^## {title}.*?(?=^## )", RegexOptions.Multiline | RegexOptions.Singleline).Value;
    }

    /// <summary>scripts/recording makes the first of what the programs print, and FilmTests make the others.</summary>
    [Theory]
    [InlineData("session.svg", "tctl request deny")]
    [InlineData("images/asking.svg", "tsh login --request-roles=dba")]
    [InlineData("images/approving.svg", "tctl requests approve")]
    [InlineData("images/reviewing.svg", "tsh review")]
    public void Every_command_in_a_recording_parses(string file, string one)
    {
        var commands = Regex.Matches(File.ReadAllText(Path.Combine(Document.Root, "docs", file)), @">\$ (?<command>(?:tsh|tctl) [^<]*)<")
            .Select(found => System.Net.WebUtility.HtmlDecode(found.Groups["command"].Value).TrimEnd('&', ' ')).ToList();
        Assert.Contains(commands, command => command.StartsWith(one, StringComparison.Ordinal));
        Assert.All(commands, command => Assert.True(CommandLine.Parse(CommandLine.Words(command)).Errors.Count == 0, $"docs/{file}: {command}; record it again"));
    }

    [Fact]
    public void Every_command_of_tsh_and_tctl_parses()
    {
        var commands = Document.All.SelectMany(document => document.Blocks.Where(block => block.Info == "console").SelectMany(block => block.Content.Split('\n')))
            .SelectMany(line => Substituted.Matches(line).Select(inner => $"$ {inner.Groups["command"].Value}").Append(Substituted.Replace(line, "alice")))
            .Select(line => Regex.Match(line, @"(?<=^(?:root#|\w*\$) )(?:tsh|tctl) [^|<>;&#]*").Value.Trim())
            .Where(command => command.Length > 0)
            .ToList();
        Assert.NotEmpty(commands);
        foreach (var command in commands)
        {
            var parsed = CommandLine.Parse(CommandLine.Words(command));
            Assert.True(parsed.Errors.Count == 0, $"{command}: {string.Join("; ", parsed.Errors.Select(error => error.Message))}");
        }
    }
}
