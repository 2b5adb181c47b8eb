using System.Diagnostics;
using System.Text.RegularExpressions;
using CertAuthority.ManPages;

namespace CertAuthority.Tests.Unit.Docs;

/// <summary>The manual pages, with groff and mandoc as judges.</summary>
public class ManPagesTests
{
    private static readonly List<ManPage> Pages = [.. Manual.Pages(DateTimeOffset.UnixEpoch)];

    [Fact]
    public void Every_command_has_a_page()
    {
        var names = Pages.Select(page => page.FileName).ToList();
        Assert.Equal(names.Distinct(), names);
        foreach (var name in (string[])["tsh.1", "tsh-login.1", "tsh-request.1", "tsh-request-create.1", "tctl.1", "tctl-requests-approve.1", "tctl-auth-export.1", "certauthority.8"])
            Assert.Contains(name, names);
        Assert.DoesNotContain(names, name => name.Contains("__complete", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_option_of_the_help_is_in_the_page_with_its_meaning()
    {
        foreach (var page in Pages)
        {
            var shown = Rendered(page.Text);
            Assert.NotEmpty(page.Options);
            foreach (var option in page.Options)
            {
                var value = option.HelpName is { } name ? option.Arity.MinimumNumberOfValues == 0 ? $"[={name}]" : $"={name}" : "";
                var names = option.Aliases.Where(alias => alias[0] == '-').Append(option.Name);
                Assert.True(
                    shown.Split('\n').Any(line => line.EndsWith(value, StringComparison.Ordinal) && names.ToHashSet().SetEquals(line[..^value.Length].Split(", "))),
                    $"{page.FileName} lacks {option.Name}:\n{shown}");
                Assert.Contains(option.Description![1..].TrimEnd('.'), shown, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Every_page_that_is_named_exists()
    {
        var names = Pages.Select(page => page.FileName).ToHashSet();
        foreach (var page in Pages)
            foreach (Match named in Regex.Matches(Rendered(page.Text), @"\b(?<page>(?:tsh|tctl)(?:-[a-z]+)*)\((?<section>\d)\)"))
                Assert.Contains($"{named.Groups["page"].Value}.{named.Groups["section"].Value}", names);
    }

    [Fact]
    public void Roff_syntax_in_text_is_escaped()
    {
        var roff = new Roff().Line(".TH is no macro").Line("'br neither").Line(@"a \fB b -x ~ ^ ` "" …").Macro("SH", "a \"b\"").ToString();
        Assert.Equal("\\&.TH is no macro\n\\(aqbr neither\na \\efB b \\-x \\(ti \\(ha \\(ga \\(dq ...\n.SH \"a \\(dqb\\(dq\"\n", roff);
    }

    [JudgesFact]
    public void Groff_and_mandoc_find_no_fault()
    {
        using var folder = new TemporaryFolder();
        foreach (var page in Pages)
        {
            var file = folder.File(page.FileName, page.Text);
            Assert.Equal("", Said("groff", "-man", "-ww", "-z", "-Tutf8", file));
            Assert.Equal("", Said("mandoc", "-Tlint", "-Wwarning", file));
        }
    }

    [JudgesFact]
    public void Commands_are_shown_as_they_are_typed()
    {
        using var folder = new TemporaryFolder();
        var login = Pages.Single(page => page.FileName == "tsh-login.1");
        var plain = Said("groff", "-man", "-Tutf8", "-P-c", "-rLL=200n", "-P-bou", folder.File("tsh-login.1", login.Text));
        foreach (var line in (string[])["tsh login --request-roles=dba --request-reason=\"performing DB migration tonight\"", "tsh login --key ~/.ssh/id_ed25519_sk.pub", "tsh-login - gets a certificate"])
            Assert.Contains(line, plain, StringComparison.Ordinal);
    }

    // As a reader sees it, as far as these tests look: without fonts and escapes.
    private static string Rendered(string page)
    {
        foreach (var (escape, text) in ((string, string)[])[("\\fB", ""), ("\\fI", ""), ("\\fR", ""), ("\\-", "-"), ("\\(aq", "'"), ("\\(dq", "\""), ("\\(ga", "`"), ("\\(ha", "^"), ("\\(ti", "~"), ("\\e", "\\")])
            page = page.Replace(escape, text, StringComparison.Ordinal);
        return page.Replace("...", "…", StringComparison.Ordinal);
    }

    private static string Said(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, Environment = { ["LC_ALL"] = "C.UTF-8" } })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output + error.Result;
    }

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class JudgesFactAttribute : FactAttribute
    {
        public JudgesFactAttribute() =>
            Skip = Environment.GetEnvironmentVariable("CI") == "true" || (File.Exists("/usr/bin/groff") && File.Exists("/usr/bin/mandoc")) ? null : "needs groff and mandoc; ./test as root installs them";
    }
}
